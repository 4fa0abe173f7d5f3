/**
 * What only many seeds show of the overlay: false alarms over thousands of node-hours, and clouds that churn for an hour and
 * must not fall apart. A line for each seed, with what all so far say, so that a run may be stopped at any time.
 *
 *     node bench/overlay-seeds.ts --part alarms [--first 1] [--seeds 20] [--sites 150] [--minutes 240] [--rtt FILE]
 *     node bench/overlay-seeds.ts --part churn  [--first 1] [--seeds 1000] [--sites 50] [--minutes 60] [--rtt FILE]
 *
 * alarms: 5 % of datagrams lost, a tenth of the sites stands still 20 % of the time; bar: at most 1 site cut off falsely in
 * 100,000 node-hours, while a crash is known within 5 s at p99. churn: 20 % of the sites crash and as many start each
 * minute, 5 % of datagrams lost; bar: no partition that lasts in 1,000 seeds.
 */

import { parseArgs } from 'node:util'
import { seededRandom } from '@atoll/kit'
import {
  generateMatrix,
  poissonUpperBound,
  quantile,
  type RttMatrix,
  readMatrix,
  type ScenarioReport,
  scenarios,
  spreadMatrix,
} from '@atoll/simulator'
import { machineLine } from './support/machine.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'alarms' },
    first: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    sites: { type: 'string' },
    minutes: { type: 'string' },
    rtt: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const LOSS = 0.05
const SLOW = 0.1
const measured = values.rtt === undefined ? undefined : readMatrix(values.rtt)

function matrix(seed: number, sites: number): RttMatrix {
  if (measured) return spreadMatrix(measured, sites)
  const size = Math.min(242, sites)
  return spreadMatrix(generateMatrix({ size, random: seededRandom(`${seed}/matrix`) }), sites)
}

function reportOf(name: string, seed: number, { sites, minutes }: { sites: number; minutes: number }) {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (!found) throw new Error(`no scenario ${name}`)
  const slow = name === 'steady' ? SLOW : 0
  return found.run({ seed, sites, rtt: matrix(seed, sites), loss: LOSS, slow, minutes, onProgress: () => {} })
}

function figure({ figures }: ScenarioReport, name: string): number {
  return figures.find((one) => one.name === name)?.value ?? Number.NaN
}

function seeds(count: number): readonly number[] {
  return Array.from({ length: Number(values.seeds ?? count) }, (_, index) => Number(values.first) + index)
}

function alarms(): void {
  const [sites, minutes] = [Number(values.sites ?? 150), Number(values.minutes ?? 240)]
  let [hours, cut] = [0, 0]
  const knownMs: number[] = []
  for (const seed of seeds(20)) {
    const report = reportOf('steady', seed, { sites, minutes })
    hours += figure(report, 'node-hours')
    cut += figure(report, 'sites falsely cut off')
    knownMs.push(...(report.distributions.find(({ name }) => name === 'crash-known')?.values ?? []))
    const bound = (poissonUpperBound(cut) / hours) * 100_000
    console.log(
      `seed ${seed}: ${Math.round(hours)} node-hours so far, ${cut} sites cut off falsely, ` +
        `so at most ${bound.toPrecision(3)} in 100,000 (95 %; bar: 1); ` +
        `crash known after ${(quantile(knownMs, 0.99) / 1000).toFixed(2)} s at p99 (bar: 5 s)`,
    )
  }
}

function churn(): void {
  const [sites, minutes] = [Number(values.sites ?? 50), Number(values.minutes ?? 60)]
  let [ran, broken, slowestS] = [0, 0, 0]
  for (const seed of seeds(1000)) {
    const report = reportOf('churn', seed, { sites, minutes })
    const untilS = figure(report, 'until each knows all others alive, after it')
    ran++
    if (figure(report, 'largest part of the graph, after it') < 1 || !Number.isFinite(untilS)) broken++
    else slowestS = Math.max(slowestS, untilS)
    console.log(
      `seed ${seed}: ${broken} of ${ran} clouds of ${sites} sites fell apart for good (bar: 0 of 1,000); ` +
        `each knew all others alive after ${untilS} s, at most ${slowestS} s`,
    )
  }
}

if (values.help) {
  console.log(
    'overlay-seeds --part alarms|churn [--first N] [--seeds N] [--sites N] [--minutes N] [--rtt FILE]',
  )
} else {
  console.log(`${machineLine()}; ${values.rtt ?? 'round trips made up from coordinates'}`)
  if (values.part === 'alarms') alarms()
  else if (values.part === 'churn') churn()
  else throw new Error(`no part ${values.part}: alarms or churn`)
}
