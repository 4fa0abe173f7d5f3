/**
 * What the overlay promises: membership, failure detection, dissemination, and the speed of their simulation. Each
 * figure stands beside its bar and, where there is one, the best figure known elsewhere.
 *
 *     node bench/overlay.ts [--part membership,faults,speed,scenarios] [--sites 1000] [--minutes 10] [--seed 1] [--rtt FILE]
 *
 * What only many seeds show is in overlay-seeds.ts.
 */

import { parseArgs } from 'node:util'
import { seededRandom } from '@atoll/kit'
import {
  CyclonRun,
  type Figure,
  generateMatrix,
  OverlayRun,
  type RttMatrix,
  readMatrix,
  scenarios,
  spreadMatrix,
} from '@atoll/simulator'
import { machineLine } from './support/machine.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'membership,faults,speed,scenarios' },
    sites: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    rtt: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

/** Each command prints its figures beside the bars, and the best that is known elsewhere. */
const HELP = `overlay [--part PARTS] [--sites 1000] [--minutes 10] [--seed 1] [--rtt FILE]

parts, all of them unless told otherwise, with a comma between them:
  membership   Cyclon alone, 10,000 sites: the graph after 100 cycles; 50, 70 and 90 % crash
  faults       1,000 sites, 5 % loss, a tenth slow: events, single crashes, false alarms, traffic
  speed        the processor's time for a simulated hour of 1,000 sites
  scenarios    join-storm, churn, mass-failure, islands, drift, hostile, wake-up

many seeds:    overlay-seeds --part alarms --sites 100 --minutes 300 --seeds 20
               overlay-seeds --part churn --sites 40 --minutes 60 --seeds 1000
one scenario:  ./atoll simulate hostile --sites 200 --minutes 30
more:          overlay-positions, overlay-nearest, overlay-ring
`
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const sites = Number(values.sites)
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const parts = values.part.split(',')

/** Measured on two cores with scripts of their own; the graph of 10,000 sites, and serf's settings in a simulation. */
const ANCHORS: Readonly<Record<string, string>> = {
  'in-degree, deviation': '1.48',
  clustering: '0.0038',
  'mean path': '2.85',
  '50 %: no dead link any more after': '40 cycles, as published',
  'event to 99 % of sites, median of events': '1.4 s and 3.5 s (serf, LAN and WAN)',
  'crash known, p99 of all pairs': '≥ 90 s (serf, WAN)',
}

function matrix(): RttMatrix {
  if (values.rtt !== undefined) return spreadMatrix(readMatrix(values.rtt), sites)
  console.log('no --rtt FILE: round trips are made up from coordinates')
  const size = Math.min(242, sites)
  return spreadMatrix(generateMatrix({ size, random: seededRandom(`${seed}/matrix`) }), sites)
}

function print(part: string, figures: readonly Figure[]): void {
  for (const { name, value, unit, bar = '', holds } of figures) {
    const number = Number.isFinite(value) ? String(Number(value.toPrecision(4))) : 'never'
    const verdict = holds === undefined ? '' : holds ? 'holds' : 'DOES NOT HOLD'
    const anchor = ANCHORS[name] === undefined ? '' : `anchor: ${ANCHORS[name]}`
    console.log(
      [part.padEnd(13), name.padEnd(56), `${number} ${unit}`.padEnd(14), bar.padEnd(8), verdict, anchor]
        .join(' ')
        .trimEnd(),
    )
  }
}

function bar(name: string, value: number, most: number, unit = ''): Figure {
  return { name, value, unit, bar: `≤ ${most}`, holds: value <= most }
}

/** Cyclon alone, 10,000 sites, as its paper measures it. */
function membership(): void {
  const run = new CyclonRun({ seed, sites: 10_000 })
  run.pass(100)
  const graph = run.measure()
  print('membership', [
    bar('in-degree, deviation', graph.inDegreeDeviation, 1.5),
    bar('clustering', graph.clustering, 0.004),
    bar('mean path', graph.pathMean, 2.9),
  ])
  for (const share of [0.5, 0.7, 0.9]) print('membership', afterCrash(share))
}

function afterCrash(share: number): readonly Figure[] {
  const run = new CyclonRun({ seed, sites: 10_000 })
  run.pass(100)
  run.crash(share)
  let cycles = 0
  while (run.deadLinks() > 0 && cycles < 60) {
    run.pass(1)
    cycles++
  }
  const { largestPart, nodes } = run.measure()
  const percent = `${100 * share} %`
  const isBar = share === 0.5
  const connected: Figure = {
    name: `${percent}: largest part of the survivors`,
    value: largestPart / nodes,
    unit: '',
    ...(isBar ? { bar: '≥ 1', holds: largestPart === nodes } : {}),
  }
  const name = `${percent}: no dead link any more after`
  return [connected, isBar ? bar(name, cycles, 15, 'cycles') : { name, value: cycles, unit: 'cycles' }]
}

function scenario(name: string, loss: number, slow: number): void {
  const found = scenarios.find((other) => other.name === name)
  if (!found) throw new Error(`no scenario ${name}`)
  const onProgress = (line: string) => process.stderr.write(`${name}: ${line}\n`)
  print(name, found.run({ seed, sites, rtt: matrix(), loss, slow, minutes, onProgress }).figures)
}

/** One simulated hour, by the processor's time: what else runs on the machine counts only through its caches. */
function speed(): void {
  const run = new OverlayRun({ seed, sites, rtt: matrix(), loss: 0.05 })
  run.startSettled(sites)
  run.pass(60_000)
  const [before, events] = [process.cpuUsage(), run.network.traffic.events]
  run.pass(minutes * 60_000)
  const used = process.cpuUsage(before)
  const seconds = (used.user + used.system) / 1e6
  print('speed', [
    bar(`an hour of ${sites} sites`, (seconds * 60) / minutes, 120, 's CPU'),
    {
      name: 'protocol events a second',
      value: (run.network.traffic.events - events) / seconds / 1e6,
      unit: 'million',
    },
  ])
}

console.log(machineLine())
if (parts.includes('membership')) membership()
if (parts.includes('faults')) scenario('steady', 0.05, 0.1)
if (parts.includes('speed')) speed()
if (parts.includes('scenarios'))
  for (const name of ['join-storm', 'churn', 'mass-failure', 'islands', 'drift', 'hostile', 'wake-up'])
    scenario(name, 0.05, 0)
