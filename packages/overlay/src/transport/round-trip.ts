/** The round trip to a site, smoothed, and the time-outs that follow from it (RFC 6298). */

export interface RoundTripSettings {
  /** The round trip assumed before the first measurement (RFC 6298 §2.1: one second). */
  readonly initialMs: number
  /**
   * No exchange is given up faster than this: Linux repairs a lost segment after 200 ms at the earliest
   * (TCP_RTO_MIN), so a shorter limit would call a lost packet a lost site.
   */
  readonly exchangeMsMin: number
  /**
   * Exchanges granted per request: connect, handshake, request, and one that repairs a loss.
   * Larger: a dead site is noticed later; smaller: a lossy link looks dead.
   */
  readonly exchanges: number
}

export const defaultRoundTripSettings: RoundTripSettings = Object.freeze({
  initialMs: 1000,
  exchangeMsMin: 250,
  exchanges: 4,
})

// RFC 6298 §2.3.
const alpha = 1 / 8
const beta = 1 / 4
const k = 4

export class RoundTrip {
  readonly #settings: RoundTripSettings
  #smoothedMs: number | undefined
  #variationMs = 0

  constructor(settings: RoundTripSettings = defaultRoundTripSettings) {
    this.#settings = settings
  }

  /** SRTT; undefined before the first measurement. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs
  }

  measured(roundTripMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = roundTripMs
      this.#variationMs = roundTripMs / 2
      return
    }
    // The variation first, against the old mean.
    this.#variationMs = (1 - beta) * this.#variationMs + beta * Math.abs(this.#smoothedMs - roundTripMs)
    this.#smoothedMs = (1 - alpha) * this.#smoothedMs + alpha * roundTripMs
  }

  /** workMs + exchanges * max(exchangeMsMin, SRTT + 4 * RTTVAR). */
  timeoutMs(workMs: number): number {
    const { initialMs, exchangeMsMin, exchanges } = this.#settings
    const exchangeMs = this.#smoothedMs === undefined ? initialMs : this.#smoothedMs + k * this.#variationMs
    return workMs + exchanges * Math.max(exchangeMsMin, exchangeMs)
  }
}
