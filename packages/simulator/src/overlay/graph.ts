/** What a graph of views looks like from above: the measures of the paper on Cyclon (§4), on typed arrays. */

import type { Random } from '@atoll/kit'

export interface GraphMeasures {
  readonly nodes: number
  readonly links: number
  readonly inDegreeMean: number
  readonly inDegreeDeviation: number
  /** Of the graph without directions: the share of a node's neighbours that are neighbours of each other. */
  readonly clustering: number
  /** Mean of the shortest paths between sampled nodes and all others that they reach, without directions. */
  readonly pathMean: number
  /** Size of the largest part in which each node reaches each other, without directions. */
  readonly largestPart: number
}

export interface GraphOptions {
  /** `views[node]` are the nodes in the view of `node`. A node without a view is absent, as links to it are. */
  readonly views: readonly (readonly number[] | undefined)[]
  readonly random: Random
  /** From so many nodes paths are measured. Default: 50. */
  readonly sources?: number
  /** At so many nodes clustering is measured. Default: all. */
  readonly clusteringNodes?: number
}

export function measureGraph({ views, random, sources = 50, clusteringNodes }: GraphOptions): GraphMeasures {
  const present = views.flatMap((view, node) => (view ? [node] : []))
  const inDegrees = inDegreesOf(views)
  const neighbours = neighboursOf(views)
  const links = present.reduce((sum, node) => sum + (inDegrees[node] ?? 0), 0)
  const mean = links / Math.max(1, present.length)
  const variance = present.reduce((sum, node) => sum + ((inDegrees[node] ?? 0) - mean) ** 2, 0)
  const sample = (count: number) =>
    count >= present.length
      ? present
      : Array.from({ length: count }, () => present[random.below(present.length)] ?? 0)
  return {
    nodes: present.length,
    links,
    inDegreeMean: mean,
    inDegreeDeviation: Math.sqrt(variance / Math.max(1, present.length)),
    clustering: clusteringOf(neighbours, sample(clusteringNodes ?? present.length)),
    pathMean: pathMeanOf(neighbours, sample(sources)),
    largestPart: largestPartOf(neighbours, present),
  }
}

/** How many views hold each node. */
export function inDegreesOf(views: readonly (readonly number[] | undefined)[]): Int32Array {
  const inDegrees = new Int32Array(views.length)
  for (const view of views) {
    for (const other of view ?? []) if (views[other]) inDegrees[other] = (inDegrees[other] ?? 0) + 1
  }
  return inDegrees
}

function neighboursOf(views: readonly (readonly number[] | undefined)[]): readonly Int32Array[] {
  const sets = views.map(() => new Set<number>())
  for (const [node, view] of views.entries()) {
    for (const other of view ?? []) {
      if (!views[other] || other === node) continue
      sets[node]?.add(other)
      sets[other]?.add(node)
    }
  }
  return sets.map((set) => Int32Array.from(set))
}

function clusteringOf(neighbours: readonly Int32Array[], nodes: readonly number[]): number {
  const isNeighbour = new Uint8Array(neighbours.length)
  let sum = 0
  for (const node of nodes) {
    const near = neighbours[node] ?? new Int32Array()
    if (near.length < 2) continue
    for (const other of near) isNeighbour[other] = 1
    let closed = 0
    for (const other of near) for (const far of neighbours[other] ?? []) closed += isNeighbour[far] ?? 0
    for (const other of near) isNeighbour[other] = 0
    sum += closed / (near.length * (near.length - 1))
  }
  return sum / Math.max(1, nodes.length)
}

function pathMeanOf(neighbours: readonly Int32Array[], sources: readonly number[]): number {
  let [sum, pairs] = [0, 0]
  for (const source of sources) {
    const { distances } = breadthFirst(neighbours, source)
    for (const distance of distances) {
      if (distance <= 0) continue
      sum += distance
      pairs++
    }
  }
  return sum / Math.max(1, pairs)
}

function largestPartOf(neighbours: readonly Int32Array[], present: readonly number[]): number {
  const isSeen = new Uint8Array(neighbours.length)
  let largest = 0
  for (const node of present) {
    if (isSeen[node]) continue
    const { order } = breadthFirst(neighbours, node)
    for (const other of order) isSeen[other] = 1
    largest = Math.max(largest, order.length)
  }
  return largest
}

function breadthFirst(neighbours: readonly Int32Array[], source: number) {
  const distances = new Int32Array(neighbours.length).fill(-1)
  const order = [source]
  distances[source] = 0
  for (let index = 0; index < order.length; index++) {
    const node = order[index] ?? 0
    const next = (distances[node] ?? 0) + 1
    for (const other of neighbours[node] ?? []) {
      if (distances[other] !== -1) continue
      distances[other] = next
      order.push(other)
    }
  }
  return { distances, order }
}
