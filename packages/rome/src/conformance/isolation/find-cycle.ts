/** A shortest cycle of a graph. */

export interface Edge {
  readonly from: string
  readonly to: string
  readonly kind: string
  /** On account of what, for people. */
  readonly key: string
}

/** The edges of a shortest cycle, in its order; undefined when there is none. An edge from a node to itself is none. */
export function findCycle(edges: Iterable<Edge>): readonly Edge[] | undefined {
  const graph = new Map<string, Edge[]>()
  for (const edge of edges) {
    if (edge.from === edge.to) continue
    const others = graph.get(edge.from)
    if (others) others.push(edge)
    else graph.set(edge.from, [edge])
  }
  let shortest: readonly Edge[] | undefined
  for (const start of nodesOnCycles(graph)) {
    const cycle = shortestFrom(graph, start, shortest?.length ?? Number.POSITIVE_INFINITY)
    if (cycle) shortest = cycle
  }
  return shortest
}

// Takes away, again and again, the nodes into which nothing leads (Kahn, 1962): what stays is on a cycle or behind one.
function nodesOnCycles(graph: ReadonlyMap<string, readonly Edge[]>): readonly string[] {
  const incoming = new Map<string, number>()
  for (const [from, edges] of graph) {
    incoming.set(from, incoming.get(from) ?? 0)
    for (const { to } of edges) incoming.set(to, (incoming.get(to) ?? 0) + 1)
  }
  const free = [...incoming].filter(([, count]) => count === 0).map(([node]) => node)
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    incoming.delete(node)
    for (const { to } of graph.get(node) ?? []) {
      const count = (incoming.get(to) ?? 0) - 1
      incoming.set(to, count)
      if (count === 0) free.push(to)
    }
  }
  return [...incoming.keys()]
}

function shortestFrom(
  graph: ReadonlyMap<string, readonly Edge[]>,
  start: string,
  shorterThan: number,
): readonly Edge[] | undefined {
  const reachedBy = new Map<string, Edge>()
  let frontier = [start]
  for (let length = 1; length < shorterThan && frontier.length > 0; length++) {
    const next: string[] = []
    for (const node of frontier)
      for (const edge of graph.get(node) ?? []) {
        if (edge.to === start) return pathTo(node, start, reachedBy, edge)
        if (reachedBy.has(edge.to)) continue
        reachedBy.set(edge.to, edge)
        next.push(edge.to)
      }
    frontier = next
  }
  return undefined
}

function pathTo(
  node: string,
  start: string,
  reachedBy: ReadonlyMap<string, Edge>,
  last: Edge,
): readonly Edge[] {
  const path = [last]
  for (let at = node; at !== start; ) {
    const edge = reachedBy.get(at)
    if (!edge) break
    path.unshift(edge)
    at = edge.from
  }
  return path
}
