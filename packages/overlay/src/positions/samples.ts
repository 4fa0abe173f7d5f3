/** The measurements that a site's position rests on: the last of each other site, most recent first out last. */

import type { Position } from './position.ts'

export interface Sample {
  readonly site: string
  /** What that site said of itself when the round trip was measured. */
  readonly position: Position
  readonly rttMs: number
}

interface SamplesOptions {
  readonly samples: number
  readonly samplesGrowth: number
  readonly nearestKept: number
}

export class Samples {
  readonly #options: SamplesOptions
  /** In order of measurement. */
  readonly #bySite = new Map<string, Sample>()
  #measurements = 0

  constructor(options: SamplesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#bySite.size
  }

  /** How many were ever added. */
  get measurements(): number {
    return this.#measurements
  }

  /** Oldest first. */
  all(): Iterable<Sample> {
    return this.#bySite.values()
  }

  add(sample: Sample): void {
    this.#measurements++
    this.#bySite.delete(sample.site)
    this.#bySite.set(sample.site, sample)
    const { samples, samplesGrowth } = this.#options
    const sizeMax = Math.min(samples, Math.max(1, Math.floor(this.#measurements / samplesGrowth)))
    if (this.#bySite.size > sizeMax) this.#drop(sizeMax)
  }

  delete(site: string): void {
    this.#bySite.delete(site)
  }

  /** The oldest go, the nearest stay. */
  #drop(sizeMax: number): void {
    const keptMs = this.#keptMs(Math.min(this.#options.nearestKept, sizeMax >> 4))
    for (const { site, rttMs } of this.#bySite.values()) {
      if (this.#bySite.size <= sizeMax) return
      if (rttMs > keptMs) this.#bySite.delete(site)
    }
  }

  /** The round trip of the `count`th nearest; minus infinity for none. */
  #keptMs(count: number): number {
    const nearest = new Array<number>(count).fill(Number.POSITIVE_INFINITY)
    for (const { rttMs } of this.#bySite.values()) {
      let place = count - 1
      if (rttMs >= (nearest[place] ?? 0)) continue
      for (; place > 0 && (nearest[place - 1] ?? 0) > rttMs; place--) nearest[place] = nearest[place - 1] ?? 0
      nearest[place] = rttMs
    }
    return nearest[count - 1] ?? Number.NEGATIVE_INFINITY
  }
}
