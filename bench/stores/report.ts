/** The table of a comparison of stores, as Markdown, one line as soon as it is known. */

import { percentile } from '../support/drive.ts'
import type { Measured } from './measure.ts'

export interface Line {
  readonly store: string
  readonly peers: number
  readonly rttMs: number
  readonly measured: Measured
}

const COLUMNS = [
  'store',
  'peers',
  'RTT',
  'all accepted',
  'all ACTIVE',
  'burst mean',
  'p90',
  'mix mean',
  'p50',
  'p90',
  'p99',
  'steady mean',
  'p50',
  'p90',
  'p99',
  'kB/server',
  'round trips/call',
  'failed',
] as const

export function tableHead(): string {
  return `| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map(() => ' --- |').join('')}`
}

export function tableLine({ store, peers, rttMs, measured }: Line): string {
  const {
    acceptedMs,
    activeMs,
    burstLatenciesMs: burst,
    mixLatenciesMs: mix,
    steadyLatenciesMs: steady,
    bytesPerServer,
    roundTripsPerCall,
    failed,
  } = measured
  const cells = [
    store,
    String(peers),
    `${rttMs} ms`,
    seconds(acceptedMs),
    seconds(activeMs),
    milliseconds(mean(burst)),
    milliseconds(percentile(burst, 0.9)),
    ...distribution(mix),
    ...distribution(steady),
    (bytesPerServer / 1000).toFixed(1),
    roundTripsPerCall.toFixed(1),
    String(failed),
  ]
  return `| ${cells.join(' | ')} |`
}

/** Mean, p50, p90 and p99. */
function distribution(values: readonly number[]): readonly string[] {
  return [mean(values), ...[0.5, 0.9, 0.99].map((share) => percentile(values, share))].map(milliseconds)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function milliseconds(ms: number): string {
  return Number.isFinite(ms) ? `${ms.toFixed(1)} ms` : '-'
}
