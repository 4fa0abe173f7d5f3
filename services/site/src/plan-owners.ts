/** Which peer of a site should serve which host: a pure function, so that all peers that see the same plan the same. */

export interface HostToServe {
  readonly name: string
  /** The peer that serves it now; undefined when nobody ever did. */
  readonly owner: string | undefined
  /** The peers that could, live or not. */
  readonly reachableBy: ReadonlySet<string>
}

/**
 * The owner of each host that a live peer can serve. A host stays where it is, unless its owner is not alive, or has at
 * least two hosts more than another that could serve it: as few as possible move.
 *
 * @param alive names of the live peers
 */
export function planOwners(
  hosts: readonly HostToServe[],
  alive: readonly string[],
): ReadonlyMap<string, string> {
  const served = new Map<string, HostToServe[]>([...alive].sort().map((peer) => [peer, []]))
  const orphans: HostToServe[] = []
  for (const host of [...hosts].sort(byName)) {
    const { owner, reachableBy } = host
    const stays = owner !== undefined && reachableBy.has(owner) && served.get(owner)
    if (stays) stays.push(host)
    else orphans.push(host)
  }
  for (const host of orphans) {
    const heir = leastLoaded(served, host.reachableBy)
    if (heir !== undefined) served.get(heir)?.push(host)
  }
  while (moveOne(served));
  return new Map([...served].flatMap(([peer, list]) => list.map(({ name }) => [name, peer] as const)))
}

function leastLoaded(
  served: ReadonlyMap<string, readonly HostToServe[]>,
  reachableBy: ReadonlySet<string>,
): string | undefined {
  let best: string | undefined
  for (const [peer, list] of served) {
    if (!reachableBy.has(peer)) continue
    if (best === undefined || list.length < (served.get(best)?.length ?? 0)) best = peer
  }
  return best
}

/** Moves one host from the peer that has most to the one that has least of those it can go to; false: nothing is gained. */
function moveOne(served: ReadonlyMap<string, HostToServe[]>): boolean {
  const byLoad = [...served].sort(([, left], [, right]) => right.length - left.length)
  for (const [, from] of byLoad) {
    for (const [to, list] of byLoad.toReversed()) {
      if (from.length - list.length < 2) break
      const index = from.findLastIndex(({ reachableBy }) => reachableBy.has(to))
      if (index < 0) continue
      list.push(...from.splice(index, 1))
      return true
    }
  }
  return false
}

const byName = (left: HostToServe, right: HostToServe) => (left.name < right.name ? -1 : 1)
