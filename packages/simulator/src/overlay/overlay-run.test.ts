import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { generateMatrix } from '../rtt/generate-matrix.ts'
import { seedsToRun } from '../seeds.ts'
import { FaultObserver } from './fault-observer.ts'
import { measureGraph } from './graph.ts'
import { OverlayRun } from './overlay-run.ts'
import { makeSlow } from './slow-sites.ts'

const [seed = 1] = seedsToRun({ from: 1, count: 1 })

function cloudOf(sites: number, { loss = 0 } = {}): OverlayRun {
  const rtt = generateMatrix({ size: sites, random: seededRandom(`${seed}/matrix`) })
  return new OverlayRun({ seed, sites, rtt, loss })
}

const knows = (run: OverlayRun, by: number, of: number) => run.site(by)?.table.find(run.nameOf(of))?.state

test('sites that join one after the other by any site come to know each other', (context) => {
  context.diagnostic(`SEED=${seed}`)
  const run = cloudOf(40)
  for (let index = 0; index < 40; index++) {
    run.start(index, index === 0 ? undefined : run.random.below(index))
    run.pass(200)
  }
  run.pass(60_000)
  for (const index of run.up()) assert.equal(run.site(index)?.table.here, 39, run.nameOf(index))
  const graph = measureGraph({ views: run.views(), random: run.random })
  assert.equal(graph.largestPart, 40)
})

test('a dead site is cut off everywhere within seconds, and it alone', (context) => {
  context.diagnostic(`SEED=${seed}`)
  const run = cloudOf(60, { loss: 0.05 })
  run.startSettled(60)
  const observer = new FaultObserver(run)
  makeSlow(run.network, 60, 0.1)
  run.pass(120_000)
  observer.crash(30)
  run.pass(30_000)
  for (const index of run.up()) assert.equal(knows(run, index, 30), 'cut', run.nameOf(index))
  assert.equal(observer.falseCuts, 0)
})

test('a site that comes back after its death is alive everywhere', () => {
  const run = cloudOf(30)
  run.startSettled(30)
  run.pass(10_000)
  run.crash(3)
  run.pass(20_000)
  run.start(3, 7)
  run.pass(10_000)
  for (const index of run.up()) if (index !== 3) assert.equal(knows(run, index, 3), 'alive')
  assert.equal(run.site(3)?.table.here, 29)
})

test('two sites alone notice the death of each other', () => {
  const run = cloudOf(2)
  run.startSettled(2)
  run.pass(5000)
  run.crash(1)
  run.pass(15_000)
  assert.equal(knows(run, 0, 1), 'cut')
})

test('a planned sleep alarms nobody, and is over when the site says so', () => {
  const run = cloudOf(30)
  run.startSettled(30)
  run.pass(10_000)
  run.site(4)?.announce('dormant')
  run.pass(5000)
  run.crash(4)
  run.pass(60_000)
  for (const index of run.up()) assert.equal(knows(run, index, 4), 'dormant')
  run.start(4)
  run.pass(15_000)
  for (const index of run.up()) if (index !== 4) assert.equal(knows(run, index, 4), 'alive')
})

test('two runs of a seed are one run, and another seed is another', () => {
  const digestOf = (other: number) => {
    const rtt = generateMatrix({ size: 30, random: seededRandom('matrix') })
    const run = new OverlayRun({ seed: other, sites: 30, rtt, loss: 0.05 })
    run.startSettled(30)
    run.pass(60_000)
    run.crash(1)
    run.pass(20_000)
    return run.network.digest
  }
  assert.equal(digestOf(5), digestOf(5))
  assert.notEqual(digestOf(5), digestOf(6))
})
