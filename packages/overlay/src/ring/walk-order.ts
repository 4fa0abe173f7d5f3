/**
 * The order in which a procedure walks over hosts (DVMS: Quesnel, Lèbre, Südholt, "Cooperative and reactive scheduling in
 * large-scale virtualized platforms", 2013): along the ring from the host where it began. Keys put the hosts of a site side
 * by side, so it sees the rest of its own site, then the site that follows, and so on, and comes back to where it began.
 */

import { alongRing, hostKey } from './ring-key.ts'

export interface RingHost {
  readonly site: string
  readonly host: string
}

/** All hosts but `start`, in order. */
export function walkOrder(hosts: Iterable<RingHost>, start: RingHost): readonly RingHost[] {
  const order = alongRing(hostKey(start.site, start.host))
  const placed = Array.from(hosts, ({ site, host }) => ({ site, host, key: hostKey(site, host) }))
    .filter(({ site, host }) => site !== start.site || host !== start.host)
    .sort((left, right) => order(left.key, right.key))
  const own = placed.filter(({ site }) => site === start.site)
  const others = placed.filter(({ site }) => site !== start.site)
  // The rest of the own site lies on both sides of the start: what lies before it comes at the end of the round otherwise.
  return [...own, ...others].map(({ site, host }) => ({ site, host }))
}
