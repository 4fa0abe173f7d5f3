/**
 * Vivaldi with the constants and additions of serf, one spring at a time: what the positions of the overlay are measured
 * against. Eight dimensions, height, ce = cc = 0.25, an adjustment term over 20 measurements (Ledlie et al.), gravity
 * with rho = 150 s. Its latency filter of three changes nothing on a matrix that stands still, and is left out.
 */

import { fraction, type Random } from '@atoll/kit'

const DIMENSIONS = 8
const ERROR_MAX = 1.5
const HEIGHT_MS_MIN = 0.01
const GRAVITY_MS = 150_000
const WINDOW = 20

export class PlainVivaldi {
  readonly #random: Random
  readonly #window: number[] = []
  vector: number[] = new Array<number>(DIMENSIONS).fill(0)
  heightMs = HEIGHT_MS_MIN
  adjustmentMs = 0
  #error = ERROR_MAX

  constructor(random: Random) {
    this.#random = random
  }

  distanceMs(other: PlainVivaldi): number {
    const rawMs = this.#rawMs(other)
    const adjustedMs = rawMs + this.adjustmentMs + other.adjustmentMs
    return adjustedMs > 0 ? adjustedMs : rawMs
  }

  measured(other: PlainVivaldi, rttMs: number): void {
    const predictedMs = this.distanceMs(other)
    const weight = this.#error / Math.max(1e-6, this.#error + other.#error)
    const wrong = Math.abs(predictedMs - rttMs) / rttMs
    this.#error = Math.min(ERROR_MAX, 0.25 * weight * wrong + this.#error * (1 - 0.25 * weight))
    this.#push(other.vector, other.heightMs, 0.25 * weight * (rttMs - predictedMs))
    this.#window.push(rttMs - this.#rawMs(other))
    if (this.#window.length > WINDOW) this.#window.shift()
    this.adjustmentMs = this.#window.reduce((sum, value) => sum + value, 0) / (2 * WINDOW)
    const outMs = Math.hypot(...this.vector) + this.heightMs
    this.#push(new Array<number>(DIMENSIONS).fill(0), HEIGHT_MS_MIN, -1000 * (outMs / GRAVITY_MS) ** 2)
  }

  #rawMs(other: PlainVivaldi): number {
    return Math.hypot(...this.#gap(other.vector)) + this.heightMs + other.heightMs
  }

  #gap(from: readonly number[]): number[] {
    return this.vector.map((value, axis) => value - (from[axis] ?? 0))
  }

  #push(from: readonly number[], fromHeightMs: number, forceMs: number): void {
    const gap = this.#gap(from)
    const way = Math.hypot(...gap)
    const isApart = way > HEIGHT_MS_MIN / 10
    const direction = isApart ? gap : gap.map(() => fraction(this.#random) - 0.5)
    const length = Math.hypot(...direction) || 1
    this.vector = this.vector.map((value, axis) => value + (forceMs * (direction[axis] ?? 0)) / length)
    if (!isApart) return
    this.heightMs = Math.max(HEIGHT_MS_MIN, this.heightMs + ((this.heightMs + fromHeightMs) * forceMs) / way)
  }
}
