/** `atoll simulate SCENARIO`: the overlay of many sites in virtual time, reported as a table, CSV and plots. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '@atoll/kit'
import {
  generateMatrix,
  plotDistribution,
  type RttMatrix,
  readMatrix,
  type Scenario,
  type ScenarioReport,
  scenarios,
  spreadMatrix,
} from '@atoll/simulator'
import { ScenarioUnknown } from '../errors.ts'
import { formatDuration, formatTable } from '../format-table.ts'
import { cloudScenarios } from './cloud-scenarios.ts'

export interface SimulateOverlayOptions {
  readonly scenario: string
  readonly sites: number
  readonly seed: number
  readonly minutes: number | undefined
  readonly rtt: string | undefined
  /** Shares of 1. */
  readonly loss: number
  readonly slow: number
  readonly csv: string | undefined
  readonly svg: string | undefined
}

/** Places of a made-up Internet; more sites share them, as they share cities. */
const PLACES = 242

/** Returns false when a bar of the design does not hold. */
export function simulateOverlay(options: SimulateOverlayOptions): boolean {
  const { sites, seed, loss, slow } = options
  const scenario = findScenario(options.scenario)
  const rtt = matrixFor(options)
  const startedMs = performance.now()
  const report = scenario.run({
    seed,
    sites,
    rtt,
    loss,
    slow,
    minutes: options.minutes ?? scenario.minutes,
    onProgress: (line) => process.stderr.write(`${scenario.name}: ${line}\n`),
  })
  process.stdout.write(summary(report, performance.now() - startedMs))
  process.stdout.write(`hash ${report.digest}: equal for each run of --seed ${seed}\n`)
  if (options.csv !== undefined) writeFileSync(options.csv, toCsv(scenario, options, report))
  if (options.svg !== undefined) writePlots(options.svg, scenario, report)
  return report.figures.every(({ holds }) => holds !== false)
}

function findScenario(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (!found)
    throw ScenarioUnknown({
      name,
      known: [...cloudScenarios.keys(), ...scenarios.map((scenario) => scenario.name)],
    })
  return found
}

function matrixFor({ rtt, sites, seed }: SimulateOverlayOptions): RttMatrix {
  if (rtt !== undefined) return spreadMatrix(readMatrix(rtt), sites)
  process.stderr.write('no --rtt FILE: round trips are made up from coordinates\n')
  const size = Math.min(sites, PLACES)
  return spreadMatrix(generateMatrix({ size, random: seededRandom(`${seed}/matrix`) }), sites)
}

function summary({ figures, events, simulatedMs }: ScenarioReport, tookMs: number): string {
  const rows = figures.map(({ name, value, unit, bar, holds }) => [
    name,
    `${formatNumber(value)} ${unit}`.trim(),
    bar ?? '',
    holds === undefined ? '' : holds ? 'holds' : 'does not hold',
  ])
  const speed = `${formatNumber(events / 1000 / tookMs)} million a second`
  return [
    formatTable(['Figure', 'Value', 'Bar', ''], rows),
    `${events} events, ${formatDuration(simulatedMs)} of simulated time in ${formatDuration(tookMs)}: ${speed}\n`,
  ].join('\n')
}

function toCsv(scenario: Scenario, { sites, seed }: SimulateOverlayOptions, report: ScenarioReport): string {
  const lines = report.figures.map(({ name, value, unit, bar = '', holds }) =>
    [scenario.name, sites, seed, `"${name}"`, value, unit, `"${bar}"`, holds ?? ''].join(','),
  )
  return `${['scenario,sites,seed,figure,value,unit,bar,holds', ...lines].join('\n')}\n`
}

function writePlots(directory: string, { name }: Scenario, { distributions }: ScenarioReport): void {
  mkdirSync(directory, { recursive: true })
  for (const distribution of distributions)
    writeFileSync(join(directory, `${name}-${distribution.name}.svg`), plotDistribution(distribution))
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return 'never'
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
