/**
 * Lookups in the ring while sites come and go, over simulated datagrams.
 *
 *     node bench/overlay-ring.ts [--minutes 5] [--per-minute 0.2] [--loss 0.02] [--seeds 2]
 *
 * Two thirds of the sites of the matrix take part; who crashes is replaced by one of the others, which starts without any
 * knowledge but eight names. An answer is right when it names a site that was the owner at some time between question and
 * answer; no answer is not right.
 */

import { parseArgs } from 'node:util'
import { RingRun } from '@atoll/simulator'
import { percentile } from './support/drive.ts'
import { machineLine } from './support/machine.ts'
import { measuredMatrices } from './support/measured-matrices.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    'per-minute': { type: 'string', default: '0.2' },
    loss: { type: 'string', default: '0.02' },
    seeds: { type: 'string', default: '2' },
  },
})
const [minutes, perMinute, loss] = [Number(values.minutes), Number(values['per-minute']), Number(values.loss)]
const START_MS = 60_000
const matrices = measuredMatrices()
const row = (cells: readonly string[]) => console.log(cells.map((cell) => cell.padEnd(22)).join(''))

console.log(`${machineLine()}\n${matrices.source}; ${loss * 100} % of datagrams lost`)
console.log(`${perMinute * 100} % of the sites are replaced each minute, for ${minutes} minutes`)
console.log('anchors: lookups right 99.9 % (bar), 99.99 % (goal), at this churn\n')
row(['matrix, seed', 'sites', 'lookups', 'right', 'wrong', 'no answer', 'p50 / p99', 'sent a site and s'])
for (const { name, matrix } of [...matrices.planetLab.slice(-1), ...matrices.cities])
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const sites = Math.floor((matrix.size * 2) / 3)
    const run = new RingRun({ rtt: matrix.symmetric(), sites, seed, loss })
    run.pass(START_MS)
    const sentBefore = run.network.traffic.sent
    run.pass(30_000)
    const idle = (run.network.traffic.sent - sentBefore) / sites / 30
    run.churn({ durationMs: minutes * 60_000, perMinute, lookupsPerSecond: 50 })
    run.pass(20_000)
    const { lookups, right, wrong, failed } = run.counts
    const [median, p99] = [0.5, 0.99].map((share) => `${Math.round(percentile(run.latenciesMs, share))} ms`)
    const share = `${((100 * right) / lookups).toFixed(3)} %`
    row([
      `${name}, ${seed}`,
      `${sites}`,
      `${lookups}`,
      share,
      `${wrong}`,
      `${failed}`,
      `${median} / ${p99}`,
      idle.toFixed(1),
    ])
  }

const [largest] = matrices.planetLab
if (largest) {
  console.log(
    '\nhalf of all sites crash at once; the share of the living that know the next one as their successor\n',
  )
  const run = new RingRun({ rtt: largest.matrix.symmetric(), sites: largest.matrix.size, seed: 1, loss })
  run.pass(START_MS)
  row(['before', `${(100 * run.consistency()).toFixed(1)} %`])
  for (let index = 0; index < largest.matrix.size; index += 2) run.crash(index)
  for (let second = 5; second <= 30; second += 5) {
    run.pass(5000)
    row([`${second} s after`, `${(100 * run.consistency()).toFixed(1)} %`])
  }
}
