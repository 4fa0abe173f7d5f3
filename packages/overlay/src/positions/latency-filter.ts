/** The round trip to each site without what queues and schedulers add: the least of the last few. */

export class LatencyFilter {
  readonly #length: number
  readonly #sitesMax: number
  readonly #recent = new Map<string, number[]>()

  constructor({ length, sitesMax }: { readonly length: number; readonly sitesMax: number }) {
    this.#length = length
    this.#sitesMax = sitesMax
  }

  /** Takes a measurement and returns the least of the last ones of this site. */
  measured(site: string, rttMs: number): number {
    const recent = this.#recent.get(site) ?? []
    this.#recent.delete(site)
    recent.push(rttMs)
    if (recent.length > this.#length) recent.shift()
    this.#recent.set(site, recent)
    if (this.#recent.size > this.#sitesMax) this.delete(this.#recent.keys().next().value ?? site)
    return Math.min(...recent)
  }

  delete(site: string): void {
    this.#recent.delete(site)
  }
}
