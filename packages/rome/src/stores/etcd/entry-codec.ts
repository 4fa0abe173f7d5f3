/** An entry of the log as one value: a line of JSON that says how long everything is, then keys and values as they are. */

import type { ByteString, LogEntry, Position, Space } from '../key-value/key-value-store.ts'

/** Versioned: a peer that does not know the version must not guess. */
const VERSION = 1

interface Header {
  readonly v: number
  readonly id: string
  readonly first: number
  readonly changes: LogEntry['changes']
  /** By space: the length of each key and of its value, -1 for a deletion. */
  readonly writes: readonly (readonly [space: Space, lengths: readonly number[]])[]
}

export function encodeEntry({ id, firstNumber, changes, writes }: LogEntry): ByteString {
  const bySpace = Map.groupBy(writes, ({ space }) => space)
  const header: Header = {
    v: VERSION,
    id,
    first: firstNumber,
    changes,
    writes: [...bySpace].map(([space, members]) => [
      space,
      members.flatMap(({ key, value }) => [key.length, value?.length ?? -1]),
    ]),
  }
  const parts = [...bySpace.values()].flatMap((members) =>
    members.flatMap(({ key, value }) => [key, value ?? '']),
  )
  return `${Buffer.from(JSON.stringify(header), 'utf8').toString('latin1')}\n${parts.join('')}`
}

/** @throws Error for a version that this peer does not know */
export function decodeEntry(bytes: ByteString, position: Position): LogEntry {
  const end = bytes.indexOf('\n')
  const header = JSON.parse(Buffer.from(bytes.slice(0, end), 'latin1').toString('utf8')) as Header
  if (header.v !== VERSION) throw new Error(`an entry of the log of version ${header.v}`)
  const writes: LogEntry['writes'][number][] = []
  let at = end + 1
  const take = (length: number): ByteString => {
    at += length
    return bytes.slice(at - length, at)
  }
  for (const [space, lengths] of header.writes)
    for (let index = 0; index < lengths.length; index += 2) {
      const [keyLength = 0, valueLength = 0] = [lengths[index], lengths[index + 1]]
      writes.push({ space, key: take(keyLength), value: valueLength < 0 ? null : take(valueLength) })
    }
  return { position, id: header.id, firstNumber: header.first, writes, changes: header.changes }
}
