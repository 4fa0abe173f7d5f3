/**
 * How near the sites are that a spiral finds to the nearest there are, over simulated datagrams: ten nearest of each site.
 *
 *     node bench/overlay-nearest.ts [--probes 20,25] [--seed 3] [--loss 0.02]
 *
 * Positions rest on 600 measurements of sites chosen by chance. A spiral then knows either nothing but positions (the hard
 * case: what a site of a cloud of many thousands knows of nearly all), or also the 64 round trips that its own position
 * rests on, as it does whenever it runs. Parameters were chosen on PlanetLab slice 1 and the cities with other seeds.
 */

import { parseArgs } from 'node:util'
import type { SpiralSettings } from '@atoll/overlay'
import { type DenseMatrix, type NearestQuality, NearestRun } from '@atoll/simulator'
import { machineLine } from './support/machine.ts'
import { measuredMatrices } from './support/measured-matrices.ts'

const { values } = parseArgs({
  options: {
    probes: { type: 'string', default: '20,25' },
    seed: { type: 'string', default: '3' },
    loss: { type: 'string', default: '0.02' },
  },
})
const budgets = values.probes.split(',').map(Number)
const [seed, loss] = [Number(values.seed), Number(values.loss)]
const K = 10
const SEARCH_MS = 40_000
const matrices = measuredMatrices()

function row(cells: readonly string[]): void {
  console.log(cells.map((cell, index) => cell.padEnd(index === 0 ? 26 : index === 1 ? 34 : 13)).join(''))
}

function show(name: string, what: string, quality: NearestQuality, probes: string): void {
  const { recall, excessMsMedian, excessMsP90, excessMsP99 } = quality
  const [median, p90, p99] = [excessMsMedian, excessMsP90, excessMsP99].map(
    (value) => `${value.toFixed(2)} ms`,
  )
  row([name, what, recall.toFixed(3), median ?? '', p90 ?? '', p99 ?? '', probes])
}

const spent = ({ probesMean, probesMax }: NearestQuality) => `${probesMean.toFixed(1)} / ${probesMax}`

function spirals(
  matrix: DenseMatrix,
  known: 'positions' | 'samples',
  spiral: Partial<SpiralSettings>,
): NearestRun {
  return new NearestRun({ matrix, seed, measurements: 600, known, loss, spiral })
}

/** So that only the search is counted. */
const withoutMaintenance = { maintainMs: 3_600_000 }

console.log(`${machineLine()}\n${matrices.source}; seed ${seed}, ${loss * 100} % of datagrams lost`)
console.log('anchors: positions with serf constants alone 16 to 22 ms too far, recall 0.21 to 0.36;')
console.log('         a simple hybrid 0 ms, p90 10.7 ms, recall 0.85 with 25 probes\n')
row(['matrix', 'what', 'recall@10', 'excess p50', 'p90', 'p99', 'probes mean / max'])
for (const { name, matrix } of [...matrices.planetLab, ...matrices.cities]) {
  const symmetric = matrix.symmetric()
  for (const known of ['positions', 'samples'] as const)
    for (const probesMax of budgets) {
      const run = spirals(symmetric, known, { probesMax, ...withoutMaintenance })
      if (known === 'positions' && probesMax === budgets[0])
        show(name, 'positions alone', run.byPositionAlone(K), '0')
      run.pass(SEARCH_MS)
      const what = known === 'positions' ? 'knows positions' : 'knows positions and 64 trips'
      const quality = run.quality(K)
      show(name, `${what}, ${probesMax} probes`, quality, spent(quality))
    }
}

const [before, after] = matrices.planetLab.map(({ matrix }) => matrix.symmetric())
if (before && after) {
  console.log(
    `\n${matrices.planetLab[1]?.name} takes the place of ${matrices.planetLab[0]?.name} under running spirals\n`,
  )
  row(['', 'when', 'recall@10', 'excess p50', 'p90', 'p99', 'exchanges a site since'])
  const run = spirals(before, 'samples', {})
  run.pass(SEARCH_MS)
  show('', 'before', run.quality(K), '-')
  run.change(after)
  const { probesMean } = run.quality(K)
  for (const [afterMs, stepMs] of [
    [0, 0],
    [20_000, 20_000],
    [60_000, 40_000],
    [180_000, 120_000],
  ] as const) {
    run.pass(stepMs)
    const quality = run.quality(K)
    show('', `${afterMs / 1000} s after`, quality, (quality.probesMean - probesMean).toFixed(1))
  }
}
