/** What the scripts are asked and what they answer, as bytes: see `scripts/` for the shapes. */

import { type Interval, IntervalSet } from '../../collections/interval-set.ts'
import type {
  ByteString,
  Commit,
  KeyRange,
  Look,
  Position,
  RangeRequest,
  RangeResult,
  ReadSet,
} from '../key-value/key-value-store.ts'
import { type Tag, tagOf, writePieces } from './log-entry.ts'
import { MessageReader, MessageWriter } from './message-pack.ts'
import { PREFIX_LENGTH, type SpacePrefixes } from './space-prefix.ts'

/** What a client knows of the log, to be checked by the script; a tag of null is one that it cannot say. */
export interface Known {
  readonly position: Position
  readonly tag: Tag | null
}

/** More keys than a script could ever hand out. */
const LIMIT_MAX = 1_000_000_000

export function encodeLook(
  look: Pick<Look, 'keys' | 'ranges'>,
  known: Known | null,
  prefixes: SpacePrefixes,
): Buffer {
  const writer = new MessageWriter()
  writer.array(4)
  writeKnown(writer, known)
  writeReads(writer, look, prefixes)
  return writer.finish()
}

/** Of a log alone. */
export function encodeKnown(known: Known | null): Buffer {
  const writer = new MessageWriter()
  writer.array(2)
  writeKnown(writer, known)
  return writer.finish()
}

/** Keys and ranges as the scripts take them. */
export function writeReads(
  writer: MessageWriter,
  { keys, ranges }: { keys: Look['keys']; ranges: readonly RangeRequest[] },
  prefixes: SpacePrefixes,
): void {
  writer.array(keys.length)
  for (const key of keys) writer.bytes(prefixes.member(key))
  writer.array(ranges.length * 5)
  for (const { space, from, to, limit, isReversed, rowsOf } of ranges) {
    const prefix = prefixes.prefixOf(space)
    writer.bytes(prefix + from)
    writer.bytes(prefix + to)
    writer.number(Math.min(limit, LIMIT_MAX))
    writer.boolean(isReversed)
    if (rowsOf === null) writer.none()
    else writer.bytes(prefixes.prefixOf(rowsOf))
  }
}

export interface CommitRequest {
  readonly commit: Commit
  readonly known: Known
  readonly retention: Retention
  /** Of a cluster's log, beyond which nothing is committed. */
  readonly capacity: Retention | null
}

/** How much of the log. */
export interface Retention {
  readonly entriesMax: number
  readonly bytesMax: number
}

export function encodeCommit(request: CommitRequest, prefixes: SpacePrefixes): Buffer {
  const { commit, known, retention, capacity } = request
  const writer = new MessageWriter()
  const { reads, absent = NOTHING } = commit
  const absentKeys = new Set(absent.keys.map((key) => prefixes.member(key)))
  const absentRanges = disjoint(absent.ranges, prefixes)
  writer.array(capacity ? 12 : 10)
  writeKnown(writer, known)
  // What must be absent is read by that: it goes once over the wire.
  writeMembers(
    writer,
    reads.keys.map((key) => prefixes.member(key)).filter((member) => !absentKeys.has(member)),
  )
  writeIntervals(writer, disjoint(reads.ranges, prefixes).filter(isNotIn(absentRanges)))
  writePieces(writer, commit, prefixes)
  writer.bytes(tagOf(commit.id))
  writer.number(retention.entriesMax)
  writer.number(retention.bytesMax)
  writeMembers(writer, [...absentKeys])
  writeIntervals(writer, absentRanges)
  if (capacity) {
    writer.number(capacity.entriesMax)
    writer.number(capacity.bytesMax)
  }
  return writer.finish()
}

const NOTHING: ReadSet = { keys: [], ranges: [] }

function isNotIn(intervals: readonly Interval[]): (interval: Interval) => boolean {
  const ends = new Map(intervals.map(({ from, to }) => [from, to]))
  return ({ from, to }) => ends.get(from) !== to
}

function writeMembers(writer: MessageWriter, members: readonly ByteString[]): void {
  writer.array(members.length)
  for (const member of members) writer.bytes(member)
}

function writeIntervals(writer: MessageWriter, intervals: readonly Interval[]): void {
  writer.array(intervals.length * 2)
  for (const { from, to } of intervals) {
    writer.bytes(from)
    writer.bytes(to)
  }
}

/** The head of every reply; the log's entries as they are stored. */
export interface LogReply {
  readonly position: Position
  readonly number: number
  readonly tag: Tag
  readonly stored: readonly Buffer[] | null
}

export function readLogReply(reader: MessageReader): LogReply {
  return {
    position: reader.number(),
    number: reader.number(),
    tag: reader.bytes(),
    stored: reader.isNone() ? null : reader.list((each) => each.view()),
  }
}

export interface ReadsReply {
  readonly values: readonly (ByteString | null)[]
  readonly ranges: readonly RangeResult[]
}

export function readReads(reader: MessageReader): ReadsReply {
  const values = reader.list((each) => (each.isNone() ? null : each.bytes()))
  const ranges = Array.from({ length: reader.array() / 3 }, () => {
    const keys = reader.list((each) => each.bytes().slice(PREFIX_LENGTH))
    const rows = reader.list((each) => (each.isNone() ? '' : each.bytes()))
    const isComplete = reader.boolean()
    return { keys, values: rows.length > 0 ? rows : keys.map(() => ''), isComplete }
  })
  return { values, ranges }
}

export interface CommitReply extends LogReply {
  /** One of those that `scripts/single-scripts.ts` names. */
  readonly kind: number
  readonly at: Position
  readonly firstNumber: number
}

export function decodeCommitReply(reply: Buffer): CommitReply {
  const reader = new MessageReader(reply)
  reader.array()
  const kind = reader.number()
  return { kind, ...readLogReply(reader), at: reader.number(), firstNumber: reader.number() }
}

/** In order and apart, so that a script finds the only one that may hold a key by halving. */
function disjoint(ranges: readonly KeyRange[], prefixes: SpacePrefixes): readonly Interval[] {
  const intervals = new IntervalSet()
  for (const { space, from, to } of ranges) {
    const prefix = prefixes.prefixOf(space)
    intervals.add(prefix + from, prefix + to)
  }
  return [...intervals]
}

function writeKnown(writer: MessageWriter, known: Known | null): void {
  if (known === null) {
    writer.none()
    writer.none()
    return
  }
  writer.number(known.position)
  if (known.tag === null) writer.none()
  else writer.bytes(known.tag)
}
