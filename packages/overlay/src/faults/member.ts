/** What one site knows of another. */

import type { Descriptor } from '../membership/descriptor.ts'
import type { Probe } from './prober.ts'

/**
 *     alive ──a probe is missed, here or elsewhere──▶ suspect ──no answer in time──▶ cut
 *       ▲───────── a new descriptor, or an answer ───────┴──────────────────────────┘
 *     alive ──its own descriptor says so──▶ dormant (planned: no alarms) | left (for good)
 */
export type SiteState = 'alive' | 'suspect' | 'cut' | 'dormant' | 'left'

export class Member {
  readonly site: string
  /** Its place on the ring of watchers. */
  readonly key: number
  /** Its row wherever numbers of all members lie side by side, from 0 in the order in which they became known. */
  readonly place: number
  descriptor: Descriptor
  state: SiteState
  /** When it took this state, on the monotonic clock. */
  sinceMs: number
  /** Of the prober: the probe of our own that is under way. */
  probe: Probe | undefined

  constructor(
    descriptor: Descriptor,
    { place, sinceMs }: { readonly place: number; readonly sinceMs: number },
  ) {
    this.site = descriptor.contact.site
    this.key = ringKeyOf(this.site)
    this.place = place
    this.descriptor = descriptor
    this.state = descriptor.state
    this.sinceMs = sinceMs
    this.probe = undefined
  }
}

/** FNV-1a with a final mix, in `[0, 2^32)`: names that differ in one digit lie far apart. */
export function ringKeyOf(site: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < site.length; index++)
    hash = Math.imul(hash ^ site.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97)
  return (hash ^ (hash >>> 15)) >>> 0
}
