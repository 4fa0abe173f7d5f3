/** How the suite of key/value stores reaches one, and what its facts have in common. */

import assert from 'node:assert/strict'
import type {
  ByteString,
  Commit,
  CommitOutcome,
  KeyValueStore,
  RangeRequest,
  Sight,
  SpaceKey,
  Write,
} from '../stores/key-value/key-value-store.ts'
import { ReadIndex } from '../stores/key-value/read-index.ts'

/** One store, empty at first. */
export interface KeyValueHarness {
  /** One more client of it. The suite closes every one. */
  open(): Promise<KeyValueStore>
  /** After so many commits, the first of them is surely forgotten. Small in tests: they make as many. */
  readonly commitsRemembered: number
  close(): Promise<void>
}

export type MakeHarness = () => Promise<KeyValueHarness>

let ids = 0

/** A commit of whatever position, unless `after` is given, that has read nothing. */
export function commitOf(commit: Partial<Commit>): Commit {
  return {
    id: `commit-${++ids}-${process.pid}`,
    after: 0,
    reads: { keys: [], ranges: [] },
    writes: [],
    numbers: 0,
    changes: [],
    ...commit,
  }
}

export const put = (space: string, key: ByteString, value: ByteString): Write => ({
  space,
  key,
  value,
  holes: [],
})

export const remove = (space: string, key: ByteString): Write => ({ space, key, value: null, holes: [] })

/** A range of at most 100 keys, in order, without rows. */
export const range = (space: string, from: ByteString, to: ByteString, rest: Partial<RangeRequest> = {}) => ({
  space,
  from,
  to,
  limit: 100,
  isReversed: false,
  rowsOf: null,
  ...rest,
})

/** Commits, and looks for conflicts where the store leaves that to the caller. */
export async function settle(store: KeyValueStore, commit: Commit): Promise<CommitOutcome> {
  const reads = new ReadIndex(commit.reads)
  for (let after = commit.after, tries = 0; tries < 1000; tries++) {
    const outcome = await store.commit({ ...commit, after })
    if (outcome.kind !== 'moved') return outcome
    const isTouched = !outcome.entries || outcome.entries.some((entry) => reads.isTouchedBy(entry))
    if (isTouched) return { ...outcome, kind: 'conflict' }
    after = outcome.position
  }
  assert.fail('the log moved on a thousand times')
}

/** Commits what nothing can be in the way of. */
export async function write(store: KeyValueStore, ...writes: Write[]): Promise<number> {
  const { position } = await store.look({ after: null, keys: [], ranges: [] })
  const outcome = await settle(store, commitOf({ after: position, writes }))
  assert.equal(outcome.kind, 'committed')
  return outcome.position
}

export async function values(store: KeyValueStore, ...keys: SpaceKey[]): Promise<Sight['values']> {
  return (await store.look({ after: null, keys, ranges: [] })).values
}

export async function keysOf(store: KeyValueStore, request: RangeRequest): Promise<readonly ByteString[]> {
  const { ranges } = await store.look({ after: null, keys: [], ranges: [request] })
  return ranges[0]?.keys ?? []
}

export async function positionOf(store: KeyValueStore): Promise<number> {
  return (await store.look({ after: null, keys: [], ranges: [] })).position
}
