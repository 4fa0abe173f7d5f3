import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { generateMatrix } from '../../rtt/generate-matrix.ts'
import { seedsToRun } from '../../seeds.ts'
import { scenarios } from './index.ts'

const [seed = 1] = seedsToRun({ from: 1, count: 1 })

/** Few sites and minutes, so that all of them run in seconds; `./atoll bench overlay` has the sizes that count. */
for (const { name, run } of scenarios) {
  test(`${name} runs, reports its figures, and no bar that does not depend on size is missed`, (context) => {
    context.diagnostic(`SEED=${seed}`)
    const sites = name === 'hostile' ? 150 : 60
    const rtt = generateMatrix({ size: sites, random: seededRandom(`${seed}/matrix`) })
    const report = run({ seed, sites, rtt, loss: 0.02, slow: 0.1, minutes: 3, onProgress: () => {} })
    assert.ok(report.figures.length > 1 && report.events > 1000)
    const dependsOnSize = /^90 %|path|crash known/
    const missed = report.figures.filter(
      ({ name: figure, holds }) => holds === false && !dependsOnSize.test(figure),
    )
    assert.deepEqual(missed, [])
  })
}
