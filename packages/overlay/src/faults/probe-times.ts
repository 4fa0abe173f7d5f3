/**
 * How long the answers of other sites take (RFC 6298: SRTT + 4 RTTVAR), for sites that are probed a few times an hour:
 * until a site has been measured often enough, its variation is taken to be that of all the others.
 */

import type { FaultSettings } from './settings.ts'

export type ProbeTimeSettings = Pick<FaultSettings, 'initialMs' | 'graceMs' | 'answerMsMax'>

// RFC 6298 §2.3.
const alpha = 1 / 8
const beta = 1 / 4
const k = 4

/** From so many samples on, a site's own variation counts. */
const SAMPLES_MIN = 5

/** How much one sample moves what is known of all sites. */
const GAMMA = 1 / 64

/**
 * What is known of one site, side by side in one row: half a cache line, where an object with numbers of its own takes
 * four. Of a thousand others nine are looked at for each answer that is missed.
 *
 *     row:  samples | SRTT | RTTVAR | when the last probe began that was answered
 */
const ROW = 4
const [SAMPLES, SMOOTHED, VARIATION, ANSWERED] = [0, 1, 2, 3] as const

export class ProbeTimes {
  readonly #settings: ProbeTimeSettings
  /** Mean of |sample - SRTT| / SRTT over all sites. RFC 6298 begins at 1/2, which is the first second's guess. */
  #variation = 0.1

  /** Mean of the round trips to all sites, and of their distance from it: the guess for one that was never measured. */
  #meanMs = 0
  #deviationMs = 0
  #samples = 0
  #rows = new Float64Array(0)

  constructor(settings: ProbeTimeSettings) {
    this.#settings = settings
  }

  /** @param place of a site, a whole number from 0 that stays its own */
  measured(place: number, rttMs: number): void {
    const rows = this.#rowsFor(place)
    const row = place * ROW
    const gain = 1 / Math.min(++this.#samples, 1 / GAMMA)
    this.#deviationMs += gain * (Math.abs(rttMs - this.#meanMs) - this.#deviationMs)
    this.#meanMs += gain * (rttMs - this.#meanMs)
    const samples = rows[row + SAMPLES] ?? 0
    rows[row + SAMPLES] = samples + 1
    if (samples === 0) {
      rows[row + SMOOTHED] = rttMs
      return
    }
    const smoothedMs = rows[row + SMOOTHED] ?? 0
    const variationMs = rows[row + VARIATION] ?? 0
    const errorMs = Math.abs(smoothedMs - rttMs)
    // A site that stands still now and then must not make all others look as if they did.
    const share = Math.min(1, errorMs / Math.max(1, smoothedMs))
    this.#variation += GAMMA * (share - this.#variation)
    rows[row + VARIATION] = variationMs + beta * (errorMs - variationMs)
    rows[row + SMOOTHED] = smoothedMs + alpha * (rttMs - smoothedMs)
  }

  /** A probe that began at `sinceMs` was answered. */
  answered(place: number, sinceMs: number): void {
    this.#rowsFor(place)[place * ROW + ANSWERED] = sinceMs
  }

  /** When the last probe began that the site answered, on the monotonic clock; -Infinity when it never did. */
  answeredMs(place: number): number {
    return this.#rows[place * ROW + ANSWERED] ?? Number.NEGATIVE_INFINITY
  }

  /** How long to wait for an answer. */
  timeoutMs(place: number): number {
    const { initialMs, graceMs, answerMsMax } = this.#settings
    const row = place * ROW
    const samples = this.#rows[row + SAMPLES] ?? 0
    if (samples === 0) {
      const isKnown = this.#samples >= SAMPLES_MIN
      return graceMs + (isKnown ? Math.min(initialMs, this.#meanMs + 3 * this.#deviationMs) : initialMs)
    }
    const smoothedMs = this.#rows[row + SMOOTHED] ?? 0
    const variationMs = this.#rows[row + VARIATION] ?? 0
    const usualMs = this.#variation * smoothedMs
    const variesMs = samples < SAMPLES_MIN ? Math.max(usualMs, variationMs) : variationMs
    return Math.min(answerMsMax, smoothedMs + k * variesMs + graceMs)
  }

  #rowsFor(place: number): Float64Array {
    const length = this.#rows.length / ROW
    if (place >= length) {
      const grown = new Float64Array(Math.max(2 * length, place + 1) * ROW)
      for (let row = length; row < grown.length / ROW; row++)
        grown[row * ROW + ANSWERED] = Number.NEGATIVE_INFINITY
      grown.set(this.#rows)
      this.#rows = grown
    }
    return this.#rows
  }
}
