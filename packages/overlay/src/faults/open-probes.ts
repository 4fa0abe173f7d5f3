/**
 * Probes that wait for answers, by the numbers of their pings. Numbers rise by one and live for a second, so that a ring of
 * places finds each of them at once; a map would be built anew every few pings, and its tables outlive what they hold.
 */

const PLACES_MIN = 8

/** What pings: `seq` is the number of its first ping, `secondSeq` that of its second one, 0 while there is none. */
export interface Pinging {
  readonly seq: number
  readonly secondSeq: number
}

export class OpenProbes<Probe extends Pinging> {
  /** A power of two long; the ping of number n lies at n modulo the length. */
  #places: (Probe | undefined)[] = new Array<Probe | undefined>(PLACES_MIN).fill(undefined)
  #last = 0

  /** The number of the next ping; callers `put` what pings there. */
  nextSeq(): number {
    this.#last++
    while (this.#places[this.#placeOf(this.#last)] !== undefined) this.#grow()
    return this.#last
  }

  put(seq: number, probe: Probe): void {
    this.#places[this.#placeOf(seq)] = probe
  }

  /** `seq` is unchecked, from another site. */
  find(seq: number): Probe | undefined {
    const probe = Number.isSafeInteger(seq) && seq > 0 ? this.#places[this.#placeOf(seq)] : undefined
    return probe && (probe.seq === seq || probe.secondSeq === seq) ? probe : undefined
  }

  delete({ seq, secondSeq }: Probe): void {
    this.#places[this.#placeOf(seq)] = undefined
    if (secondSeq !== 0) this.#places[this.#placeOf(secondSeq)] = undefined
  }

  /** All that wait; one that pinged twice comes twice. */
  all(): readonly Probe[] {
    return this.#places.filter((probe) => probe !== undefined)
  }

  clear(): void {
    this.#places = new Array<Probe | undefined>(PLACES_MIN).fill(undefined)
  }

  #placeOf(seq: number): number {
    return seq % this.#places.length
  }

  #grow(): void {
    const probes = this.all()
    this.#places = new Array<Probe | undefined>(2 * this.#places.length).fill(undefined)
    for (const probe of probes) {
      this.put(probe.seq, probe)
      if (probe.secondSeq !== 0) this.put(probe.secondSeq, probe)
    }
  }
}
