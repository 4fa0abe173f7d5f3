/**
 * Keeps liars from filling the views. Cyclon believes that a partner hands over entries as they come; sites that work
 * together hand over only each other, ever fresh, and soon every view holds nobody else (the "hub attack": G. P. Jesi,
 * A. Montresor, M. van Steen, "Secure peer sampling", Computer Networks 54(12), 2010). Two facts stand against that:
 * descriptors are signed and sites are admitted by the cloud, so liars have no more names than sites; and in an honest
 * exchange every site comes by equally often.
 *
 *     fair:    a site enters this view some 2 * shuffleLength / sites times per cycle
 *     bucket:  refills at twice that, holds a little more than one: an entry beyond it is not admitted
 *     instead: a site by chance of all that are known, which no liar chooses (the history samples of Brahms, E.
 *              Bortnikov et al., PODC 2008)
 *
 * Small clouds need none of it: while all sites fit into a few views, everything is admitted.
 */

import type { Random } from '@atoll/kit'
import type { MemberTable } from '../faults/member-table.ts'
import type { Admission } from './cyclon.ts'
import type { Descriptor } from './descriptor.ts'

export interface AdmissionGuardOptions {
  readonly random: Random
  readonly table: MemberTable
  /** Of the cyclon that it guards. */
  readonly cacheSize: number
  readonly shuffleLength: number
  /** By how much an honest site may exceed its fair share. Larger: liars gain as much. */
  readonly slack?: number
}

interface Bucket {
  tokens: number
  cycle: number
}

/**
 * What a bucket holds: one entry, and a part of the next, as honest sites come by chance. What is saved in quiet times is what
 * a band can spend in its first minute: with 2, its share of the links rose to 2.3 times its part before it fell to 1.9.
 */
const TOKENS_MAX = 1.25

export class AdmissionGuard implements Admission {
  readonly #options: Required<AdmissionGuardOptions>
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: AdmissionGuardOptions) {
    this.#options = { slack: 2, ...options }
  }

  admits({ contact }: Descriptor, cycle: number): boolean {
    const { table, cacheSize, shuffleLength, slack } = this.#options
    const sites = table.here + 1
    if (sites <= 2 * cacheSize) return true
    const perCycle = (slack * 2 * shuffleLength) / sites
    let bucket = this.#buckets.get(contact.site)
    if (!bucket) {
      bucket = { tokens: TOKENS_MAX, cycle }
      this.#buckets.set(contact.site, bucket)
    }
    bucket.tokens = Math.min(TOKENS_MAX, bucket.tokens + perCycle * (cycle - bucket.cycle))
    bucket.cycle = cycle
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  replacement(): Descriptor | undefined {
    const { table, random } = this.#options
    return table.sample(1, random)[0]?.descriptor
  }
}
