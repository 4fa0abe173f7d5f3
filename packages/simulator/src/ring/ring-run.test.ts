import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { generateMatrix } from '../rtt/generate-matrix.ts'
import { seedsToRun } from '../seeds.ts'
import { RingRun, type RingRunOptions } from './ring-run.ts'

/** A ring of 60 sites, 30 more that may join, 2 % of datagrams lost; the seed is printed. */
function ring(context: TestContext, options: Partial<RingRunOptions> = {}): RingRun {
  const [seed = 3] = seedsToRun({ from: 3, count: 1 })
  context.diagnostic(`SEED=${seed}, generated matrix`)
  const rtt = generateMatrix({ size: 90, random: seededRandom(`${seed}/matrix`) })
  return new RingRun({ rtt, sites: 60, seed, loss: 0.02, ...options })
}

test('60 sites that start at one moment are one ring within 40 s', (context) => {
  const run = ring(context)
  run.pass(40_000)
  assert.equal(run.consistency(), 1)
})

test('while a fifth of the sites is replaced each minute, no more than one lookup in 300 is not right', (context) => {
  const run = ring(context)
  run.pass(40_000)
  run.churn({ durationMs: 120_000, perMinute: 0.2, lookupsPerSecond: 20 })
  run.pass(20_000)
  const { lookups, right } = run.counts
  assert.ok(lookups > 2000 && right >= lookups * (1 - 1 / 300), JSON.stringify(run.counts))
})

test('half of the sites crash at once, and the rest is a ring again within 30 s', (context) => {
  const run = ring(context)
  run.pass(40_000)
  for (let index = 0; index < 60; index += 2) run.crash(index)
  run.pass(30_000)
  assert.equal(run.consistency(), 1)
})

test('two islands are two rings, and one again within a minute after they heal', (context) => {
  const run = ring(context)
  run.pass(40_000)
  for (let index = 0; index < 30; index++) run.network.moveTo(index, 1)
  run.pass(60_000)
  assert.ok(run.consistency() < 0.8)
  for (let index = 0; index < 30; index++) run.network.moveTo(index, 0)
  run.pass(60_000)
  assert.equal(run.consistency(), 1)
})

test('two runs of a seed are one', (context) => {
  const digests = [ring(context), ring(context)].map((run) => {
    run.churn({ durationMs: 10_000, perMinute: 0.5, lookupsPerSecond: 10 })
    return run.network.digest
  })
  assert.equal(digests[0], digests[1])
})
