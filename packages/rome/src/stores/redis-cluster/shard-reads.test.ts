import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pick, type Random, seededRandom } from '@atoll/kit'
import { commitOf } from '../../conformance/key-value-harness.ts'
import type { LogEntry, RangeRequest, Write } from '../key-value/key-value-store.ts'
import { MemoryDatabase } from '../memory/memory-database.ts'
import { RecentLog } from './recent-log.ts'
import { ShardReads, type ShardRequest } from './shard-reads.ts'
import { shardOf } from './shards.ts'

const SEED = Number(process.env.SEED ?? 1)
const ROUNDS = 300
const NAMES = Array.from({ length: 12 }, (_, index) => `k${String.fromCharCode(97 + index)}`)
const indexKey = (value: string, row: string) => `${value}${row}\x00${String.fromCharCode(row.length)}`

test(`a look over shards that lag differently is answered as of one position (SEED=${SEED})`, () => {
  for (let round = 0; round < ROUNDS; round++) {
    const random = seededRandom(`${SEED} ${round}`)
    const shards = 1 + random.below(4)
    const { whole, entries } = history(random)
    const recent = new RecentLog({ shards, limits: { entriesMax: 1000, bytesMax: 1 << 20 } })
    recent.add(
      0,
      entries.map((entry) => ({ entry, tag: 'tag!' })),
    )
    const laggards = Array.from({ length: shards }, (_, shard) => laggard(entries, shard, { shards, random }))
    const look = {
      keys: Array.from({ length: random.below(4) }, () => ({ space: 't', key: pick(random, NAMES) })),
      ranges: Array.from({ length: 1 + random.below(3) }, () => someRange(random)),
    }
    const reads = new ShardReads(look, shards)
    let answers: ReturnType<ShardReads['answers']>
    for (let tries = 0; !answers && tries < 20; tries++) {
      for (const [shard, request] of reads.take())
        reads.answered(shard, answerOf(laggards[shard] as Laggard, request))
      answers = reads.answers(entries.length, recent)
    }
    const { values, ranges } = whole.look({ after: null, ...look })
    assert.deepEqual(answers, { values, ranges }, `SEED=${SEED} round ${round}`)
  }
})

interface Laggard {
  readonly database: MemoryDatabase
  readonly applied: number
}

function answerOf({ database, applied }: Laggard, request: ShardRequest) {
  const { values, ranges } = database.look({ after: null, ...request })
  return { applied, epoch: 'abcd', values, ranges }
}

/** Some commits to a table with an index, and what they add up to. */
function history(random: Random): { whole: MemoryDatabase; entries: readonly LogEntry[] } {
  const whole = new MemoryDatabase()
  const entries: LogEntry[] = []
  /** By row: the key of its entry in the index, if it has one. */
  const rows = new Map<string, string | undefined>()
  for (let position = 0, end = 1 + random.below(25); position < end; position++) {
    const names = new Set(Array.from({ length: 1 + random.below(4) }, () => pick(random, NAMES)))
    const writes = [...names].flatMap((name) => change(name, rows, random))
    const outcome = whole.commit(commitOf({ after: position, writes }))
    assert.equal(outcome.kind, 'committed')
    entries.push(...(outcome.entries ?? []))
  }
  return { whole, entries }
}

/** A row comes, changes or goes, its entry in the index with it or, when only the index is changed, alone. */
function change(name: string, rows: Map<string, string | undefined>, random: Random): readonly Write[] {
  const before = rows.get(name)
  const drop = before === undefined ? [] : [write('t(c)', before, null)]
  const kind = random.below(4)
  if (kind === 0) {
    rows.delete(name)
    return [write('t', name, null), ...drop]
  }
  const key = indexKey(pick(random, ['x', 'y']), name)
  const row = kind === 1 && rows.has(name) ? [] : [write('t', name, `v${random.below(100)}`)]
  if (random.below(4) === 0) {
    rows.set(name, undefined)
    return [...row, ...drop]
  }
  rows.set(name, key)
  return [...row, ...drop.filter((each) => each.key !== key), write('t(c)', key, '')]
}

function write(space: string, key: string, value: string | null): Write {
  return { space, key, value, holes: [] }
}

/** A shard that has applied the first of the entries only. */
function laggard(
  entries: readonly LogEntry[],
  shard: number,
  { shards, random }: { shards: number; random: Random },
): Laggard {
  const database = new MemoryDatabase()
  const applied = random.below(entries.length + 1)
  for (const [after, { writes }] of entries.slice(0, applied).entries()) {
    const own = writes.filter((write) => shardOf(write, shards) === shard)
    database.commit(commitOf({ after, writes: own.map((write) => ({ ...write, holes: [] })) }))
  }
  return { database, applied }
}

function someRange(random: Random): RangeRequest {
  const isIndex = random.below(2) === 0
  const [from = '', to = ''] = isIndex
    ? ['x', pick(random, ['y', 'z'])]
    : [pick(random, NAMES), pick(random, NAMES)].sort()
  return {
    space: isIndex ? 't(c)' : 't',
    from,
    to,
    limit: 1 + random.below(6),
    isReversed: random.below(2) === 0,
    rowsOf: isIndex && random.below(2) === 0 ? 't' : null,
  }
}
