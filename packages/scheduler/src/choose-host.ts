/**
 * Choosing a host: of those that pass the filters two are drawn, and the better one wins. Two choices spread load
 * almost as well as looking at all (Mitzenmacher, "The power of two choices in randomized load balancing", 2001),
 * and peers with the same stale picture do not all run to the same host.
 */

import { pick, type Random } from '@atoll/kit'
import { type PlacementRequest, passes } from './filters.ts'
import type { HostSnapshot } from './host-snapshot.ts'
import { weigh } from './weighers.ts'

/** How many hosts are drawn blindly before all are looked at: enough unless most hosts are full. */
const DRAWS_MAX = 8

/** The chosen host, or undefined when no host passes. Equal inputs and an equal `random` give an equal choice. */
export function chooseHost(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  random: Random,
): HostSnapshot | undefined {
  const first = draw(hosts, request, random)
  const second = first && draw(hosts, request, random)
  if (!first || !second) return undefined
  return weigh(second, request.needs) > weigh(first, request.needs) ? second : first
}

// Drawing until one passes is as even as drawing from those that pass, and seldom looks at more than two.
function draw(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  random: Random,
): HostSnapshot | undefined {
  if (hosts.length === 0) return undefined
  for (let draws = 0; draws < DRAWS_MAX; draws++) {
    const host = pick(random, hosts)
    if (passes(host, request)) return host
  }
  const candidates = hosts.filter((host) => passes(host, request))
  return candidates.length > 0 ? pick(random, candidates) : undefined
}
