/** What a scenario of the overlay is given, and what it reports. */

import type { RttMatrix } from '../../rtt/rtt-matrix.ts'

export interface ScenarioOptions {
  readonly seed: number
  readonly sites: number
  readonly rtt: RttMatrix
  /** The share of datagrams that are lost. */
  readonly loss: number
  /** The share of sites whose process stands still now and then. */
  readonly slow: number
  /** How long the main part lasts, in simulated time; each scenario says what that is. */
  readonly minutes: number
  readonly onProgress: (line: string) => void
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the design asks for, as text; undefined where it asks for nothing. */
  readonly bar?: string
  readonly holds?: boolean
}

export interface Distribution {
  readonly name: string
  readonly unit: string
  readonly values: readonly number[]
}

export interface ScenarioReport {
  readonly figures: readonly Figure[]
  readonly distributions: readonly Distribution[]
  /** Equal for two runs of one seed. */
  readonly digest: string
  readonly events: number
  readonly simulatedMs: number
}

export interface Scenario {
  readonly name: string
  /** One line for `--help`. */
  readonly summary: string
  /** Of its main part, unless told otherwise. */
  readonly minutes: number
  readonly run: (options: ScenarioOptions) => ScenarioReport
}

/** The value at `share` of the sorted values; NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export function atMost(name: string, value: number, unit: string, bar: number): Figure {
  return { name, value, unit, bar: `≤ ${bar}`, holds: value <= bar }
}

export function atLeast(name: string, value: number, unit: string, bar: number): Figure {
  return { name, value, unit, bar: `≥ ${bar}`, holds: value >= bar }
}
