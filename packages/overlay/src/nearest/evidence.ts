/** What a site knows of round trips: those it measured, and those that sites it measured told of their own nearest. */

export interface Measured {
  readonly rttMs: number
  readonly atMs: number
}

/** Round trips from one site to its nearest, in milliseconds. */
export type Told = ReadonlyMap<string, number>

export class Evidence {
  readonly #measuredMax: number
  readonly #toldMax: number
  /** Latest last. */
  readonly #measured = new Map<string, Measured>()
  /** Latest last. */
  readonly #told = new Map<string, Told>()

  constructor({ measuredMax, toldMax }: { readonly measuredMax: number; readonly toldMax: number }) {
    this.#measuredMax = measuredMax
    this.#toldMax = toldMax
  }

  get measured(): ReadonlyMap<string, Measured> {
    return this.#measured
  }

  get told(): ReadonlyMap<string, Told> {
    return this.#told
  }

  add(site: string, rttMs: number, atMs: number): void {
    this.#measured.delete(site)
    this.#measured.set(site, { rttMs, atMs })
    if (this.#measured.size > this.#measuredMax) this.#dropOne()
  }

  tell(site: string, told: Told): void {
    this.#told.delete(site)
    this.#told.set(site, told)
    if (this.#told.size <= this.#toldMax) return
    const oldest = this.#told.keys().next().value
    if (oldest !== undefined) this.#told.delete(oldest)
  }

  delete(site: string): void {
    this.#measured.delete(site)
    this.#told.delete(site)
  }

  /** Those measured, nearest first. */
  byDistance(): [site: string, measured: Measured][] {
    return [...this.#measured].sort(
      ([one, left], [other, right]) => left.rttMs - right.rttMs || (one < other ? -1 : 1),
    )
  }

  /** The oldest that is not of the nearest quarter. */
  #dropOne(): void {
    const nearest = Float64Array.from(this.#measured.values(), ({ rttMs }) => rttMs).sort()
    const keptMs = nearest[this.#measuredMax >> 2] ?? 0
    for (const [site, { rttMs }] of this.#measured) {
      if (rttMs <= keptMs) continue
      this.#measured.delete(site)
      return
    }
    const oldest = this.#measured.keys().next().value
    if (oldest !== undefined) this.#measured.delete(oldest)
  }
}
