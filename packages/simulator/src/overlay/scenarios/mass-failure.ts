/** Half, 70 % or 90 % of all sites crash at once. */

import { measureGraph } from '../graph.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, atMost, type Figure, type Scenario, type ScenarioOptions } from './scenario.ts'

const SHARES = [0.5, 0.7, 0.9] as const

export const massFailure: Scenario = {
  name: 'mass-failure',
  summary: '50, 70 and 90 % of the sites crash at once, each in a cloud of its own',
  minutes: 4,
  run: (options) => {
    const runs = SHARES.map((share) => crashShare(options, share))
    return {
      figures: runs.flatMap(({ figures }) => figures),
      distributions: [],
      digest: runs.map(({ run }) => run.network.digest).join(' '),
      events: runs.reduce((sum, { run }) => sum + run.network.traffic.events, 0),
      simulatedMs: runs.reduce((sum, { run }) => sum + run.network.nowMs, 0),
    }
  },
}

function crashShare({ seed, sites, rtt, loss, minutes, onProgress }: ScenarioOptions, share: number) {
  const run = new OverlayRun({ seed, sites, rtt, loss })
  run.startSettled(sites)
  run.pass(60_000)
  const up = run.up()
  for (let count = Math.round(share * sites); count > 0; count--)
    run.crash(up.splice(run.random.below(up.length), 1)[0] ?? 0)
  const periodMs = run.site(up[0] ?? 0)?.cyclon.settings.periodMs ?? 10_000
  let [cleanCycle, knownMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const crashedMs = run.network.nowMs
  while (run.network.nowMs < crashedMs + minutes * 60_000) {
    run.pass(1000)
    const sinceMs = run.network.nowMs - crashedMs
    const views = run.views()
    const isClean = views.every((view) => view?.every((other) => views[other]) ?? true)
    cleanCycle = isClean ? Math.min(cleanCycle, sinceMs / periodMs) : Number.POSITIVE_INFINITY
    if (up.every((index) => run.site(index)?.table.here === up.length - 1))
      knownMs = Math.min(knownMs, sinceMs)
    if (cleanCycle < sinceMs / periodMs - 3 && knownMs < sinceMs) break
  }
  const graph = measureGraph({ views: run.views(), random: run.random })
  const percent = `${100 * share} %`
  onProgress(`${percent}: largest part ${graph.largestPart} of ${graph.nodes}`)
  const figures: Figure[] = [
    atLeast(`${percent}: largest part of the survivors`, graph.largestPart / graph.nodes, '', 1),
    atMost(`${percent}: no dead link any more after`, cleanCycle, 'cycles', 15),
    { name: `${percent}: all survivors know all states after`, value: knownMs / 1000, unit: 's' },
  ]
  return { run, figures }
}
