/** A commit as the log of a Redis holds it, and as a script is asked to put it there. */

import { crc32 } from 'node:zlib'
import type { ByteString, Change, Commit, Hole, LogEntry, Position } from '../key-value/key-value-store.ts'
import { MessageReader, MessageWriter } from './message-pack.ts'
import { fourBytes, type SpacePrefixes } from './space-prefix.ts'

const NUMBER_OFFSET = 4
const BODY_OFFSET = 12

/** What a position's commit is known by in short: see `scripts/parts.ts`. */
export type Tag = ByteString

export function tagOf(id: string): Tag {
  return fourBytes(crc32(id))
}

export interface StoredEntry {
  readonly tag: Tag
  readonly entry: LogEntry
}

/** Thrown when an entry names a space that this client has not heard of: ask for the names of spaces first. */
export class UnknownSpace extends Error {
  override readonly name = 'UnknownSpace'
}

/** @throws UnknownSpace */
export function decodeEntry(stored: Buffer, position: Position, prefixes: SpacePrefixes): StoredEntry {
  const reader = new MessageReader(stored.subarray(BODY_OFFSET))
  reader.array()
  const id = reader.text()
  reader.number()
  const changes: Change[] = Array.from({ length: reader.array() / 2 }, () => ({
    table: reader.text(),
    id: reader.text(),
  }))
  const writes = Array.from({ length: reader.array() / 2 }, () => {
    const { space, key } = spaceKeyOf(reader.bytes(), prefixes)
    return { space, key, value: reader.isNone() ? null : reader.bytes() }
  })
  return {
    tag: stored.toString('latin1', 0, NUMBER_OFFSET),
    entry: { position, id, firstNumber: stored.readDoubleBE(NUMBER_OFFSET), writes, changes },
  }
}

/** The entry of a commit, in pieces: between any two of them the script puts a number of the commit (see `fill`). */
export function writePieces(writer: MessageWriter, commit: Commit, prefixes: SpacePrefixes): void {
  const body = new PieceWriter()
  const { id, numbers, changes, writes } = commit
  body.message.array(4)
  body.message.text(id)
  body.message.number(numbers)
  body.message.array(changes.length * 2)
  for (const change of changes) {
    body.message.text(change.table)
    body.message.text(change.id)
  }
  body.message.array(writes.length * 2)
  for (const { space, key, value, holes } of writes) {
    const inKey = holes.filter((hole) => hole.in === 'key')
    body.bytes(prefixes.prefixOf(space) + key, inKey, 4)
    if (value === null) body.message.none()
    else
      body.bytes(
        value,
        holes.filter((hole) => hole.in === 'value'),
        0,
      )
  }
  body.writeTo(writer)
}

const WIDTHS = { key: 8, value: 16 } as const

class PieceWriter {
  message = new MessageWriter()
  readonly #pieces: (Buffer | number)[] = []

  bytes(bytes: ByteString, holes: readonly Hole[], shift: number): void {
    this.message.bytesHead(bytes.length)
    let from = 0
    for (const hole of [...holes].sort((left, right) => left.offset - right.offset)) {
      const at = hole.offset + shift
      this.message.raw(bytes.slice(from, at))
      this.#pieces.push(this.message.finish(), hole.number * 2 + (hole.in === 'value' ? 1 : 0))
      this.message = new MessageWriter()
      from = at + WIDTHS[hole.in]
    }
    this.message.raw(bytes.slice(from))
  }

  writeTo(writer: MessageWriter): void {
    this.#pieces.push(this.message.finish())
    writer.array(this.#pieces.length)
    for (const piece of this.#pieces)
      if (typeof piece === 'number') writer.number(piece)
      else {
        writer.bytesHead(piece.length)
        writer.buffer(piece)
      }
  }
}

export function spaceKeyOf(member: ByteString, prefixes: SpacePrefixes): { space: string; key: ByteString } {
  const space = prefixes.spaceOf(member)
  if (space === undefined) throw new UnknownSpace()
  return { space, key: member.slice(4) }
}
