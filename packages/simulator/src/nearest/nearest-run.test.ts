import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { driftMatrix, generateMatrix } from '../rtt/generate-matrix.ts'
import { seedsToRun } from '../seeds.ts'
import { NearestRun, type NearestRunOptions } from './nearest-run.ts'

const K = 10

/** A generated world of 120 sites whose positions are settled, with the seed of this test, printed. */
function world(context: TestContext, options: Partial<NearestRunOptions> = {}) {
  const [seed = 7] = seedsToRun({ from: 7, count: 1 })
  context.diagnostic(`SEED=${seed}, generated matrix`)
  const matrix = generateMatrix({ size: 120, random: seededRandom(`${seed}/matrix`) })
  return {
    seed,
    matrix,
    run: new NearestRun({ matrix, seed, measurements: 300, known: 'samples', ...options }),
  }
}

test('20 probes find 95 % of the ten nearest sites, and nine of ten no more than 3 ms too far', (context) => {
  const { run } = world(context)
  const alone = run.byPositionAlone(K)
  run.pass(30_000)
  const { recall, excessMsMedian, excessMsP90, probesMax } = run.quality(K)
  assert.ok(alone.recall < recall, `positions alone find ${alone.recall}`)
  assert.ok(recall >= 0.95 && excessMsMedian === 0 && excessMsP90 <= 3, `${recall}, ${excessMsP90} ms`)
  assert.ok(probesMax <= 25, `${probesMax} probes`)
})

test('where nothing but positions is known, 25 probes find 90 %', (context) => {
  const { run } = world(context, { known: 'positions', spiral: { probesMax: 25 } })
  run.pass(30_000)
  const { recall, excessMsMedian } = run.quality(K)
  assert.ok(recall >= 0.9 && excessMsMedian === 0, `${recall}`)
})

test('a minute after routes have changed the nearest are found again', (context) => {
  const { run, matrix, seed } = world(context)
  run.pass(30_000)
  run.change(driftMatrix(matrix, { random: seededRandom(`${seed}/drift`), share: 0.2 }))
  run.pass(60_000)
  const { recall, excessMsP90 } = run.quality(K)
  assert.ok(recall >= 0.85 && excessMsP90 <= 5, `${recall}, ${excessMsP90} ms`)
})

test('a fifth of all datagrams lost costs a few probes, not the result', (context) => {
  const { run } = world(context, { loss: 0.2 })
  run.pass(90_000)
  const { recall } = run.quality(K)
  assert.ok(recall >= 0.93, `${recall}`)
})

test('sites that crash are not among the nearest', (context) => {
  const { run } = world(context)
  run.pass(30_000)
  for (let index = 0; index < 40; index++) run.network.crash(index)
  for (const spiral of run.spirals.slice(40))
    for (const { site } of spiral.nearest(K))
      assert.ok(run.network.isUp(run.network.indexOf(site) ?? 0), site)
})

test('two runs of a seed are one', (context) => {
  const digests = [world(context), world(context)].map(({ run }) => {
    run.pass(10_000)
    return run.network.digest
  })
  assert.equal(digests[0], digests[1])
})
