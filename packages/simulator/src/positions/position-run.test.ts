import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { driftMatrix, generateMatrix } from '../rtt/generate-matrix.ts'
import { seedsToRun } from '../seeds.ts'
import { type Accuracy, type Liars, PositionRun, type PositionRunOptions } from './position-run.ts'

/** A generated world of 120 sites with the seed of this test, printed. */
function world(context: TestContext) {
  const [seed = 5] = seedsToRun({ from: 5, count: 1 })
  context.diagnostic(`SEED=${seed}, generated matrix`)
  return { seed, matrix: generateMatrix({ size: 120, random: seededRandom(`${seed}/matrix`) }) }
}

function after(rounds: number, options: PositionRunOptions): Accuracy {
  const run = new PositionRun(options)
  run.pass(rounds)
  return run.accuracy()
}

test('300 measurements of a site predict half of the round trips within 12 %, and 90 % within 40 %', (context) => {
  const { median, p90 } = after(300, world(context))
  assert.ok(median <= 0.12 && p90 <= 0.4, `${median} / ${p90}`)
})

test('jitter of 10 % and a spike in twenty measurements cost less than a third of the accuracy', (context) => {
  const clean = after(300, world(context))
  const { median, p90 } = after(300, { ...world(context), jitter: 0.1, spikes: 0.05 })
  assert.ok(median <= clean.median * 1.33 && p90 <= clean.p90 * 1.33, `${median} / ${p90}`)
})

test('positions follow when routes change', (context) => {
  const { matrix, seed } = world(context)
  const run = new PositionRun({ matrix, seed })
  run.pass(300)
  run.matrix = driftMatrix(matrix, { random: seededRandom(`${seed}/drift`), share: 0.15 })
  const before = run.accuracy()
  run.pass(200)
  const { median, p90 } = run.accuracy()
  assert.ok(p90 < before.p90, `${p90} is no less than ${before.p90}`)
  assert.ok(median <= 0.16 && p90 <= 0.55, `${median} / ${p90}`)
})

const certain = { heightMs: 0.1, error: 0.01 }
const lies: Readonly<Record<string, Liars['lie']>> = {
  'places by chance, and answers up to a second late': ({ random }) => ({
    position: { ...certain, vector: Array.from({ length: 8 }, () => random.below(600) - 300) },
    delayMs: random.below(1000),
  }),
  'one place that all liars agree on': () => ({
    position: { ...certain, vector: [300, 0, 200, 0, 100, 0, 300, 0] },
    delayMs: 0,
  }),
  'a place that drifts off slowly': ({ truth, round }) => ({
    position: { ...certain, vector: truth.vector.map((value) => value + round / 4) },
    delayMs: 0,
  }),
  'numbers that are none': () => ({ position: { vector: ['0'], heightMs: -1, error: null }, delayMs: 0 }),
}

for (const [what, lie] of Object.entries(lies))
  test(`10 % of liars do not move the honest: ${what}`, (context) => {
    const honest = after(250, {
      ...world(context),
      liars: { share: 0.1, lie: ({ truth }) => ({ position: truth, delayMs: 0 }) },
    })
    const { median, p90 } = after(250, { ...world(context), liars: { share: 0.1, lie } })
    assert.ok(median <= honest.median * 1.3 && p90 <= honest.p90 * 1.3, `${median} / ${p90}`)
  })
