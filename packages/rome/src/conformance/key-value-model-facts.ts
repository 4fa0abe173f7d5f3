/** Generated looks and commits, answered by a store as the memory store answers them. */

import assert from 'node:assert/strict'
import { pick, type Random, seededRandom } from '@atoll/kit'
import type { Commit, Look, RangeRequest, Sight, SpaceKey } from '../stores/key-value/key-value-store.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { commitOf, put, range, remove, settle } from './key-value-harness.ts'
import type { Fact } from './key-value-suite.ts'
import { seedsToRun } from './seeds.ts'

const SPACES = ['t', 'u', 't(c)']
const STEPS = 120

export function modelFacts(fact: Fact): void {
  for (const seed of seedsToRun(3)) generatedFacts(fact, seed)
}

function generatedFacts(fact: Fact, seed: string): void {
  fact(
    `generated looks and commits are answered as the model answers them (SEED=${seed})`,
    async ({ store, another }) => {
      const random = seededRandom(seed)
      const clients = [store, await another()]
      const model = new MemoryDatabase()
      for (let step = 0; step < STEPS; step++) {
        const client = pick(random, clients)
        const told = `SEED=${seed}, step ${step}`
        if (random.below(3) === 0) {
          const look = someLook(random, model.position)
          const [answer, expected] = [await client.look(look), model.look(look)]
          assert.deepEqual(plain(answer), plain(expected), told)
        } else {
          const commit = someCommit(random, model.position)
          const [answer, expected] = [await settle(client, commit), model.commit(commit)]
          assert.equal(answer.kind, expected.kind, told)
          assert.deepEqual([answer.position, answer.number], [expected.position, expected.number], told)
        }
      }
    },
  )

  fact(
    `what a follower adds up from the log is what a look shows (SEED=${seed})`,
    async ({ store, another }) => {
      const writers = [store, await another(), await another()]
      const reader = await another()
      let isWriting = true
      const writing = Promise.all(
        writers.map(async (writer, index) => {
          const random = seededRandom(`${seed} ${index}`)
          for (let step = 0; step < 12; step++) await settle(writer, someCommit(random, step))
        }),
      ).then(() => {
        isWriting = false
      })
      const known = new Map<string, string>()
      let after = 0
      for (let isLast = false; !isLast; ) {
        isLast = !isWriting
        const sight = await reader.look({
          after,
          keys: [],
          ranges: SPACES.map((space) => range(space, '', '\xff')),
        })
        for (const { writes } of sight.entries ?? assert.fail('the log forgot too soon'))
          for (const { space, key, value } of writes)
            if (value === null) known.delete(`${space} ${key}`)
            else known.set(`${space} ${key}`, value)
        after = sight.position
        const shown = SPACES.flatMap((space, index) => {
          const { keys = [], values = [] } = sight.ranges[index] ?? {}
          return keys.map((key, at) => [`${space} ${key}`, values[at]] as const)
        })
        assert.deepEqual(shown.sort(byKey), [...known].sort(byKey), `SEED=${seed}`)
      }
      await writing
    },
  )
}

function someCommit(random: Random, position: number): Commit {
  const keys = new Map(
    Array.from({ length: random.below(4) + 1 }, () => someKey(random)).map((at) => [
      `${at.space} ${at.key}`,
      at,
    ]),
  )
  const writes = [...keys.values()].map(({ space, key }) =>
    random.below(4) === 0 ? remove(space, key) : put(space, key, `${random.below(1000)}`),
  )
  const numbers = random.below(3)
  for (let number = 0; number < numbers; number++)
    writes.push({
      space: 't(c)',
      key: `n${'\x00'.repeat(8)}${number}`,
      value: '',
      holes: [{ in: 'key', offset: 1, number }],
    })
  return commitOf({
    after: Math.max(0, position - random.below(4)),
    reads: {
      keys: Array.from({ length: random.below(3) }, () => someKey(random)),
      ranges: Array.from({ length: random.below(2) }, () => someRange(random)),
    },
    writes,
    numbers,
  })
}

function someLook(random: Random, position: number): Look {
  return {
    after: random.below(4) === 0 ? null : Math.max(0, position - random.below(5)),
    keys: Array.from({ length: random.below(4) }, () => someKey(random)),
    ranges: Array.from({ length: random.below(3) }, () => someRange(random)),
  }
}

function someKey(random: Random): SpaceKey {
  return { space: pick(random, SPACES), key: someName(random) }
}

function someRange(random: Random): RangeRequest {
  const [from, to] = [someName(random), someName(random)].sort()
  const isReversed = random.below(2) === 0
  return range(pick(random, SPACES), from ?? '', to ?? '', { limit: random.below(5) + 1, isReversed })
}

const someName = (random: Random): string =>
  String.fromCharCode(...random.bytes(1)).repeat(random.below(2) + 1)

// The writes of one commit have no order, and its id is the suite's own.
function plain({ entries, ...rest }: Sight): unknown {
  const told = entries?.map((entry) => ({ ...entry, writes: [...entry.writes].sort(bySpaceAndKey) }))
  return { ...rest, entries: told }
}

const byKey = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]) =>
  left < right ? -1 : 1

const bySpaceAndKey = (left: SpaceKey, right: SpaceKey) =>
  `${left.space} ${left.key}` < `${right.space} ${right.key}` ? -1 : 1
