/** A fifth of the sites crashes in each minute, and as many start, each with one contact; then all calms down. */

import { measureGraph } from '../graph.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, atMost, type Scenario } from './scenario.ts'

const CHURN_PER_MINUTE = 0.2
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
    run.pass(CALM_MS)
    const graph = measureGraph({ views: run.views(), random: run.random })
    const known = run.up().map((index) => (run.site(index)?.table.here ?? 0) / (sites - 1))
    return {
      figures: [
        atLeast('largest part of the graph, after it', graph.largestPart / graph.nodes, '', 1),
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
