/** Sites that are split into groups which cannot reach each other. */

import type { Random } from '@atoll/kit'
import type { Direction } from '@atoll/overlay'
import type { SimulatedSite } from '../site/simulated-site.ts'

export type Island = readonly SimulatedSite[]

/** Two or three groups of one site or more. */
export function splitIntoIslands(random: Random, sites: readonly SimulatedSite[]): readonly Island[] {
  const count = Math.min(sites.length, 2 + random.below(2))
  const left = [...sites]
  // One each at first, so that none is empty.
  const islands = Array.from({ length: count }, () => left.splice(random.below(left.length), 1))
  for (const site of left) islands[random.below(count)]?.push(site)
  return islands
}

/** Every way from one island to another. */
export function straitsBetween(islands: readonly Island[]): readonly Direction[] {
  return islands.flatMap((from) =>
    islands
      .filter((to) => to !== from)
      .flatMap((to) => from.flatMap((one) => to.map((other) => ({ from: one.name, to: other.name })))),
  )
}

/** For the trace. */
export function describe(islands: readonly Island[]): string {
  return islands.map((island) => island.map(({ name }) => name).join(' ')).join(' | ')
}
