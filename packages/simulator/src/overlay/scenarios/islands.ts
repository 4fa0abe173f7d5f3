/** The cloud falls into two islands, each of which goes on, and heals. */

import { FaultObserver } from '../fault-observer.ts'
import { measureGraph } from '../graph.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, atMost, type Scenario } from './scenario.ts'

const HEAL_MS_MAX = 300_000

export const islands: Scenario = {
  name: 'islands',
  summary: 'two halves lose sight of each other, and meet again',
  minutes: 10,
  run: ({ seed, sites, rtt, loss, minutes, onProgress }) => {
    const run = new OverlayRun({ seed, sites, rtt, loss })
    run.startSettled(sites)
    run.pass(60_000)
    const half = Math.floor(sites / 2)
    for (let index = half; index < sites; index++) run.network.moveTo(index, 1)
    run.pass(minutes * 60_000)
    const splitShare = run
      .up()
      .filter((index) => run.site(index)?.table.here === (index < half ? half : sites - half) - 1)
    onProgress(`${splitShare.length} of ${sites} sites know exactly their own island`)
    for (let index = half; index < sites; index++) run.network.moveTo(index, 0)
    const observer = new FaultObserver(run)
    const healedMs = run.network.nowMs
    let wholeMs = Number.POSITIVE_INFINITY
    while (run.network.nowMs < healedMs + HEAL_MS_MAX) {
      run.pass(500)
      if (!run.up().every((index) => run.site(index)?.table.here === sites - 1)) continue
      wholeMs = run.network.nowMs - healedMs
      break
    }
    run.pass(60_000)
    const graph = measureGraph({ views: run.views(), random: run.random })
    return {
      figures: [
        atLeast('sites that know exactly their island, at its end', splitShare.length / sites, '', 0.99),
        atMost('after the heal all know all', wholeMs / 1000, 's', 60),
        atLeast('largest part of the graph', graph.largestPart / graph.nodes, '', 1),
        { name: 'sites cut off falsely after the heal', value: observer.falselyCut, unit: '' },
      ],
      distributions: [],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}
