/** Round trips kept as one number for each ordered pair, with what was measured told from what was filled in. */

import { assert } from '@atoll/kit'
import type { RttMatrix } from './rtt-matrix.ts'

export interface DenseMatrixOptions {
  /** One name for each row. */
  readonly sites: readonly string[]
  /** Row after row, in milliseconds. What is not above zero, off the diagonal, was not measured. */
  readonly valuesMs: Float64Array
}

export class DenseMatrix implements RttMatrix {
  readonly sites: readonly string[]
  readonly size: number
  readonly #measuredMs: Float64Array
  readonly #filledMs: Float64Array

  constructor({ sites, valuesMs }: DenseMatrixOptions) {
    const size = sites.length
    assert(valuesMs.length === size * size, 'a matrix of round trips is square')
    this.sites = sites
    this.size = size
    this.#measuredMs = valuesMs
    this.#filledMs = fill(valuesMs, size)
  }

  rttMs(from: number, to: number): number {
    return from === to ? 0 : (this.#filledMs[from * this.size + to] ?? 0)
  }

  /** Undefined where nobody measured, which also holds for the way to oneself. */
  measuredMs(from: number, to: number): number | undefined {
    const value = from === to ? 0 : (this.#measuredMs[from * this.size + to] ?? 0)
    return value > 0 ? value : undefined
  }

  /**
   * The same round trips, equal from both ends. A round trip goes both ways, so two values for one pair were measured at
   * different times; what two ends measure of each other at one time is the mean, as half of each is one direction.
   */
  symmetric(): DenseMatrix {
    const { size, sites } = this
    const valuesMs = new Float64Array(size * size)
    for (let from = 0; from < size; from++)
      for (let to = 0; to < size; to++)
        valuesMs[from * size + to] = (this.rttMs(from, to) + this.rttMs(to, from)) / 2
    return new DenseMatrix({ sites, valuesMs })
  }
}

/** What was not measured: the way back, or else the shortest way over a third site. */
function fill(valuesMs: Float64Array, size: number): Float64Array {
  const filled = valuesMs.map((value) => Math.max(value, 0))
  const at = (from: number, to: number) => filled[from * size + to] || filled[to * size + from] || 0
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      if (from === to || filled[from * size + to]) continue
      filled[from * size + to] = at(from, to) || detourMs(at, size, from, to)
    }
  }
  return filled
}

function detourMs(at: (from: number, to: number) => number, size: number, from: number, to: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let over = 0; over < size; over++) {
    const [there, on] = [at(from, over), at(over, to)]
    if (there > 0 && on > 0) least = Math.min(least, there + on)
  }
  assert(Number.isFinite(least), 'a pair of sites has no round trip, not even over a third')
  return least
}
