/** A site's partial view: some other sites with the age of what is known of them (Cyclon §2). */

import type { Random } from '@atoll/kit'
import type { Descriptor } from './descriptor.ts'

export interface ViewEntry {
  readonly descriptor: Descriptor
  /** Cycles since the site itself made this entry. */
  age: number
}

export class View {
  readonly sizeMax: number
  readonly #entries: ViewEntry[] = []
  /** The sites of the entries, in the same order, by which they are looked for. */
  readonly #sites: string[] = []

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax
  }

  get entries(): readonly ViewEntry[] {
    return this.#entries
  }

  get isFull(): boolean {
    return this.#entries.length >= this.sizeMax
  }

  has(site: string): boolean {
    return this.#sites.includes(site)
  }

  grow(): void {
    for (const entry of this.#entries) entry.age++
  }

  /** The one with the highest age; of several the first. */
  oldest(): ViewEntry | undefined {
    let oldest: ViewEntry | undefined
    for (const entry of this.#entries) if (!oldest || entry.age > oldest.age) oldest = entry
    return oldest
  }

  /** Up to `count` different entries by chance, in no order, none of them withheld. */
  sample(count: number, random: Random, isWithheld?: (entry: ViewEntry) => boolean): ViewEntry[] {
    const entries = this.#entries
    const sampled: ViewEntry[] = []
    // A Fisher-Yates shuffle in place, as far as it is needed: the order of a view means nothing.
    for (let index = 0; index < entries.length && sampled.length < count; index++) {
      const other = index + random.below(entries.length - index)
      const [left, right] = [entries[index], entries[other]]
      if (!left || !right) break
      this.#put(index, right)
      this.#put(other, left)
      if (!isWithheld?.(right)) sampled.push(right)
    }
    return sampled
  }

  /** Adds one that it does not have. Callers have made room. */
  add(entry: ViewEntry): void {
    this.#put(this.#entries.length, entry)
  }

  /** Returns whether it was there. */
  remove(site: string): boolean {
    const index = this.#sites.indexOf(site)
    if (index < 0) return false
    const last = this.#entries.pop()
    this.#sites.pop()
    if (last && index < this.#entries.length) this.#put(index, last)
    return true
  }

  /** Puts a newer descriptor of the same site in the place of the one at hand. */
  renew(descriptor: Descriptor): void {
    const index = this.#sites.indexOf(descriptor.contact.site)
    const known = this.#entries[index]
    if (known && known.descriptor.incarnation < descriptor.incarnation)
      this.#entries[index] = { descriptor, age: known.age }
  }

  #put(index: number, entry: ViewEntry): void {
    this.#entries[index] = entry
    this.#sites[index] = entry.descriptor.contact.site
  }
}
