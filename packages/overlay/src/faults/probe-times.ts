/**
 * How long the answers of other sites take (RFC 6298: SRTT + 4 RTTVAR), for sites that are probed a few times an hour:
 * until a site has been measured often enough, its variation is taken to be that of all the others.
 */

import type { FaultSettings } from './settings.ts'

export type ProbeTimeSettings = Pick<FaultSettings, 'initialMs' | 'graceMs' | 'answerMsMax'>

/** Of one site. */
export interface ProbeTime {
  samples: number
  smoothedMs: number
  variationMs: number
}

// RFC 6298 §2.3.
const alpha = 1 / 8
const beta = 1 / 4
const k = 4

/** From so many samples on, a site's own variation counts. */
const SAMPLES_MIN = 5

/** How much one sample moves what is known of all sites. */
const GAMMA = 1 / 64

export class ProbeTimes {
  readonly #settings: ProbeTimeSettings
  /** Mean of |sample - SRTT| / SRTT over all sites. RFC 6298 begins at 1/2, which is the first second's guess. */
  #variation = 0.1

  /** Mean of the round trips to all sites, and of their distance from it: the guess for one that was never measured. */
  #meanMs = 0
  #deviationMs = 0
  #samples = 0

  constructor(settings: ProbeTimeSettings) {
    this.#settings = settings
  }

  measured(time: ProbeTime, rttMs: number): void {
    const gain = 1 / Math.min(++this.#samples, 1 / GAMMA)
    this.#deviationMs += gain * (Math.abs(rttMs - this.#meanMs) - this.#deviationMs)
    this.#meanMs += gain * (rttMs - this.#meanMs)
    if (time.samples++ === 0) {
      time.smoothedMs = rttMs
      return
    }
    const errorMs = Math.abs(time.smoothedMs - rttMs)
    // A site that stands still now and then must not make all others look as if they did.
    const share = Math.min(1, errorMs / Math.max(1, time.smoothedMs))
    this.#variation += GAMMA * (share - this.#variation)
    time.variationMs += beta * (errorMs - time.variationMs)
    time.smoothedMs += alpha * (rttMs - time.smoothedMs)
  }

  /** How long to wait for an answer. */
  timeoutMs({ samples, smoothedMs, variationMs }: ProbeTime): number {
    const { initialMs, graceMs, answerMsMax } = this.#settings
    if (samples === 0) {
      const isKnown = this.#samples >= SAMPLES_MIN
      return graceMs + (isKnown ? Math.min(initialMs, this.#meanMs + 3 * this.#deviationMs) : initialMs)
    }
    const usualMs = this.#variation * smoothedMs
    const variesMs = samples < SAMPLES_MIN ? Math.max(usualMs, variationMs) : variationMs
    return Math.min(answerMsMax, smoothedMs + k * variesMs + graceMs)
  }
}
