/**
 * Choosing a host: of those that pass the filters two are drawn, and the better one wins. Two choices spread load
 * almost as well as looking at all (Mitzenmacher, "The power of two choices in randomized load balancing", 2001),
 * and peers with the same stale picture do not all run to the same host.
 */

import { pick, type Random } from '@atoll/kit'
import { type PlacementRequest, passes } from './filters.ts'
import type { HostSnapshot } from './host-snapshot.ts'
import { weigh } from './weighers.ts'

/** The chosen host, or undefined when no host passes. Equal inputs and an equal `random` give an equal choice. */
export function chooseHost(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  random: Random,
): HostSnapshot | undefined {
  const candidates = hosts.filter((host) => passes(host, request))
  if (candidates.length === 0) return undefined
  const [first, second] = [pick(random, candidates), pick(random, candidates)]
  return weigh(second, request.needs) > weigh(first, request.needs) ? second : first
}
