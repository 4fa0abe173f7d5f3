/** One site, and then all others within ten seconds, each of which knows only one that was there before it. */

import { measureGraph } from '../graph.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, quantile, type Scenario } from './scenario.ts'

const STORM_MS = 10_000

export const joinStorm: Scenario = {
  name: 'join-storm',
  summary: 'all sites join within ten seconds, each with one contact',
  minutes: 5,
  run: ({ seed, sites, rtt, loss, minutes, onProgress }) => {
    const run = new OverlayRun({ seed, sites, rtt, loss })
    const knownMs = new Map<number, number>()
    const joinedMs = new Map<number, number>()
    const wanted = Math.ceil(0.99 * (sites - 1))
    run.start(0)
    for (let index = 1; index < sites; index++) {
      const atMs = (STORM_MS * index) / sites
      run.network.at(atMs, () => {
        joinedMs.set(index, run.network.nowMs)
        run.start(index, run.random.below(index))
      })
    }
    for (let second = 1; second <= minutes * 60; second++) {
      run.pass(1000)
      for (const index of run.up()) {
        if (knownMs.has(index) || (run.site(index)?.table.here ?? 0) < wanted) continue
        knownMs.set(index, run.network.nowMs - (joinedMs.get(index) ?? 0))
      }
      if (second % 10 === 0) onProgress(`second ${second}: ${knownMs.size} sites know 99 % of the others`)
      if (knownMs.size === sites && second > 120) break
    }
    const graph = measureGraph({ views: run.views(), random: run.random })
    const times = [...knownMs.values()]
    return {
      figures: [
        atLeast('sites that know 99 % of the others', knownMs.size / sites, '', 1),
        { name: 'from its join until then, median', value: quantile(times, 0.5), unit: 'ms' },
        { name: 'from its join until then, p99', value: quantile(times, 0.99), unit: 'ms' },
        atLeast('largest part of the graph', graph.largestPart / sites, '', 1),
        { name: 'in-degree, deviation', value: graph.inDegreeDeviation, unit: '' },
        { name: 'mean path', value: graph.pathMean, unit: 'hops' },
      ],
      distributions: [{ name: 'knows-99-percent', unit: 'ms', values: times }],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}
