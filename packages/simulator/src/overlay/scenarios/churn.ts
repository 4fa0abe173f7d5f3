/**
 * A fifth of the sites crashes in each minute, and as many start, each with one contact; then all calms down. A partition
 * that lasts shows in either of two ways: the views fall into parts, or a site does not come to know another one.
 */

import { measureGraph } from '../graph.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, atMost, type Scenario } from './scenario.ts'

const CHURN_PER_MINUTE = 0.2
/** So long all may take to know all, as after a heal. */
const WHOLE_MS_MAX = 300_000

/** And so long views may take to fill: each site exchanges twelve times. */
const CALM_MS = 120_000

export const churn: Scenario = {
  name: 'churn',
  summary: '20 % of the sites crash and as many start in each minute',
  minutes: 10,
  run: ({ seed, sites, rtt, loss, minutes, onProgress }) => {
    const run = new OverlayRun({ seed, sites, rtt, loss })
    run.startSettled(sites)
    run.pass(30_000)
    const away: number[] = []
    const perMinute = Math.round(CHURN_PER_MINUTE * sites)
    let smallest = 1
    for (let minute = 1; minute <= minutes; minute++) {
      for (let step = 0; step < perMinute; step++) {
        const up = run.up()
        const leaver = up[run.random.below(up.length)]
        const joiner = away.length > sites / 20 ? away.shift() : undefined
        if (leaver !== undefined) {
          run.crash(leaver)
          away.push(leaver)
        }
        if (joiner !== undefined) run.start(joiner)
        run.pass(60_000 / perMinute)
      }
      const part = measureGraph({ views: run.views(), random: run.random, sources: 1, clusteringNodes: 1 })
      smallest = Math.min(smallest, part.largestPart / part.nodes)
      onProgress(`minute ${minute} of ${minutes}: largest part ${part.largestPart} of ${part.nodes}`)
    }
    for (const index of away) run.start(index)
    const wholeMs = untilWhole(run)
    run.pass(CALM_MS)
    const graph = measureGraph({ views: run.views(), random: run.random })
    const known = run.up().map((index) => (run.site(index)?.table.here ?? 0) / (sites - 1))
    return {
      figures: [
        atLeast('largest part of the graph, after it', graph.largestPart / graph.nodes, '', 1),
        atMost('until each knows all others alive, after it', wholeMs / 1000, 's', WHOLE_MS_MAX / 1000),
        { name: 'largest part during it, at its smallest', value: smallest, unit: '' },
        atMost('mean path, after it', graph.pathMean, 'hops', Math.log(sites) / Math.log(10) + 1),
        {
          name: 'others that a site knows, mean',
          value: known.reduce((a, b) => a + b, 0) / known.length,
          unit: '',
        },
        { name: 'others that a site knows, least', value: Math.min(...known), unit: '' },
      ],
      distributions: [{ name: 'known-share', unit: '', values: known }],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}

/** Lets time pass until each site holds all others for alive; returns how long that took, Infinity when it does not come. */
function untilWhole(run: OverlayRun): number {
  const startMs = run.network.nowMs
  while (run.network.nowMs < startMs + WHOLE_MS_MAX) {
    run.pass(1000)
    const up = run.up()
    const isWhole = up.every((by) => {
      const table = run.site(by)?.table
      return up.every((of) => of === by || table?.find(run.nameOf(of))?.state === 'alive')
    })
    if (isWhole) return run.network.nowMs - startMs
  }
  return Number.POSITIVE_INFINITY
}
