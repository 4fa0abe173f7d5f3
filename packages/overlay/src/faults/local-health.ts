/**
 * How well this process itself does: Lifeguard's local health multiplier (A. Dadgar, J. Phillips, J. Currey, "Lifeguard:
 * Local Health Awareness for More Accurate Failure Detection", DSN-W 2018, §IV.A). A slow process misses answers, and
 * must not take that for the death of others.
 */

export class LocalHealth {
  readonly #max: number
  #score = 0

  constructor(max: number) {
    this.#max = max
  }

  /** 0 is healthy. */
  get score(): number {
    return this.#score
  }

  /** What time-outs and intervals are multiplied by. */
  get multiplier(): number {
    return 1 + this.#score
  }

  /** A probe was answered in time. */
  good(): void {
    if (this.#score > 0) this.#score--
  }

  /** A timer fired late, proxies did not even say no, or others suspect us. */
  bad(): void {
    if (this.#score < this.#max) this.#score++
  }
}
