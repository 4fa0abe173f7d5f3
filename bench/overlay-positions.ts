/**
 * How well positions predict round trips, beside Vivaldi with the constants of serf in the same run: the same measurements
 * in the same order, one for each site and round, of a site chosen by chance.
 *
 *     node bench/overlay-positions.ts [--rounds 600] [--seeds 3]
 *
 * Parameters were chosen on PlanetLab slice 1 with seed 1, which is therefore not a fair judge; the other rows are.
 */

import { parseArgs } from 'node:util'
import { seededRandom } from '@atoll/kit'
import { type DenseMatrix, type LieContext, PositionRun } from '@atoll/simulator'
import { machineLine } from './support/machine.ts'
import { measuredMatrices } from './support/measured-matrices.ts'
import { PlainVivaldi } from './support/plain-vivaldi.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '600' }, seeds: { type: 'string', default: '3' } },
})
const rounds = Number(values.rounds)
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 2)
const matrices = measuredMatrices()

/** The figures that the project set out from, measured with serf's constants before there was any code. */
const ANCHORS: Readonly<Record<string, string>> = {
  PlanetLab: '0.100 / 0.528',
  cities: '0.105 / 0.464',
  Seattle: '0.39 / 2.4',
}

interface Figure {
  readonly median: number
  readonly p90: number
}

function plain(matrix: DenseMatrix, seed: number): Figure {
  const random = seededRandom(seed)
  const nodes = matrix.sites.map(() => new PlainVivaldi(random))
  const { size } = matrix
  for (let round = 0; round < rounds; round++) {
    for (let site = 0; site < size; site++) {
      const other = (site + 1 + random.below(size - 1)) % size
      const rttMs = matrix.measuredMs(site, other)
      const there = nodes[other]
      if (rttMs !== undefined && there) nodes[site]?.measured(there, rttMs)
    }
  }
  const errors: number[] = []
  for (const [from, here] of nodes.entries())
    for (const [to, there] of nodes.entries()) {
      const rttMs = matrix.measuredMs(from, to)
      if (rttMs !== undefined) errors.push(Math.abs(here.distanceMs(there) - rttMs) / rttMs)
    }
  errors.sort((left, right) => left - right)
  const at = (share: number) => errors[Math.ceil(share * errors.length) - 1] ?? Number.NaN
  return { median: at(0.5), p90: at(0.9) }
}

const mean = (figures: readonly Figure[]): Figure => ({
  median: figures.reduce((sum, { median }) => sum + median, 0) / figures.length,
  p90: figures.reduce((sum, { p90 }) => sum + p90, 0) / figures.length,
})
const show = ({ median, p90 }: Figure) => `${median.toFixed(3)} / ${p90.toFixed(3)}`
const row = (cells: readonly string[]) =>
  console.log(cells.map((cell, index) => cell.padEnd(index ? 20 : 34)).join(''))

console.log(`${machineLine()}\n${matrices.source}; ${rounds} measurements a site, seeds ${seeds.join(', ')}`)
console.log('relative error of predicted round trips, median / p90 of all pairs\n')
row(['matrix', 'anchor', 'serf here', 'positions', 'after 60', 'after 200'])
for (const { name, matrix } of [...matrices.planetLab, ...matrices.cities, ...matrices.devices]) {
  const runs = seeds.map((seed) => {
    const run = new PositionRun({ matrix, seed })
    return [60, 140, rounds - 200].map((count) => {
      run.pass(count)
      return run.accuracy()
    })
  })
  const after = (index: number) => show(mean(runs.flatMap((figures) => figures.slice(index, index + 1))))
  const anchor = Object.entries(ANCHORS).find(([known]) => name.startsWith(known))?.[1] ?? '-'
  row([name, anchor, show(mean(seeds.map((seed) => plain(matrix, seed)))), after(2), after(0), after(1)])
}

const [seed = 2] = seeds
const shifted = (by: number, { truth, liar }: LieContext) =>
  truth.vector.map((value, axis) => value + by * Math.sin(7 * liar + 2 * axis))
const certain = { heightMs: 0.1, error: 0.01 }
const lies: Readonly<Record<string, (context: LieContext) => { position: unknown; delayMs: number }>> = {
  'chance and a second late': ({ random }) => ({
    position: { ...certain, vector: Array.from({ length: 8 }, () => random.below(600) - 300) },
    delayMs: random.below(1000),
  }),
  'far out': (context) => ({ position: { ...certain, vector: shifted(5000, context) }, delayMs: 1000 }),
  'all at one place': () => ({
    position: { ...certain, vector: [300, 0, 200, 0, 100, 0, 300, 0] },
    delayMs: 0,
  }),
  'a little beside the truth': (context) => ({
    position: { ...certain, vector: shifted(40, context) },
    delayMs: 0,
  }),
  'drifting slowly off': ({ truth, round }) => ({
    position: { ...certain, vector: truth.vector.map((value) => value + round / 4) },
    delayMs: 0,
  }),
}
console.log('\n10 % of the sites lie: error among the honest as a multiple of that without lies (bar: 1.3)\n')
for (const { name, matrix } of [...matrices.planetLab.slice(1), ...matrices.cities]) {
  const honest = new PositionRun({
    matrix,
    seed,
    liars: { share: 0.1, lie: ({ truth }) => ({ position: truth, delayMs: 0 }) },
  })
  honest.pass(400)
  for (const [what, lie] of Object.entries(lies)) {
    const run = new PositionRun({ matrix, seed, liars: { share: 0.1, lie } })
    run.pass(400)
    const [with10, without] = [run.accuracy(), honest.accuracy()]
    const times = (share: number) => `${share.toFixed(2)} ×`
    row([
      `${name}, ${what}`.padEnd(52),
      times(with10.median / without.median),
      times(with10.p90 / without.p90),
    ])
  }
}
