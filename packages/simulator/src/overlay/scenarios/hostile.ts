/** A tenth of the sites is captured and works together against the rest. */

import { FaultObserver } from '../fault-observer.ts'
import { HostileSite } from '../hostile-site.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atMost, type Scenario, type ScenarioOptions } from './scenario.ts'

const SHARE = 0.1

export const hostile: Scenario = {
  name: 'hostile',
  summary: 'a tenth of the sites lies about views, names and deaths',
  minutes: 30,
  run: (options) => {
    const { minutes, sites, onProgress } = options
    const run = new OverlayRun(options)
    run.startSettled(sites)
    run.pass(120_000)
    const observer = new FaultObserver(run)
    const band = capture(run, options)
    let highest = 0
    for (let minute = 1; minute <= minutes; minute++) {
      run.pass(60_000)
      highest = Math.max(highest, shareOf(run, band))
      onProgress(`minute ${minute} of ${minutes}: ${percent(shareOf(run, band))} of all links lead to liars`)
    }
    const fair = band.size / sites
    const honest = run.up().filter((index) => !band.has(index))
    const believed = honest.reduce((sum, by) => sum + forgeriesBelieved(run, by, honest), 0)
    return {
      figures: [
        atMost('links to liars, against their fair share, at the end', shareOf(run, band) / fair, '×', 2),
        atMost('the same at its highest', highest / fair, '×', 2),
        atMost('forged descriptors believed', believed, '', 0),
        atMost('honest sites cut off by honest ones', observer.falselyCut, '', 0),
        { name: 'suspicions, of all pairs', value: observer.suspicions, unit: '' },
      ],
      distributions: [],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}

/** Turns some sites into liars; returns which. */
function capture(run: OverlayRun, { sites }: ScenarioOptions): ReadonlySet<number> {
  const indexes = new Set<number>()
  while (indexes.size < Math.round(SHARE * sites)) indexes.add(run.random.below(sites))
  const descriptors = run.up().flatMap((index) => {
    const descriptor = run.site(index)?.self
    return descriptor ? [{ index, descriptor, signatures: run.signaturesOf(index) }] : []
  })
  const band = descriptors.filter(({ index }) => indexes.has(index))
  const victims = descriptors.flatMap(({ index, descriptor }) => (indexes.has(index) ? [] : [descriptor]))
  for (const { index, signatures } of band) {
    const { periodMs, shuffleLength } = run.site(index)?.cyclon.settings ?? {
      periodMs: 10_000,
      shuffleLength: 8,
    }
    const environment = run.network.environmentOf(index)
    run.crash(index)
    run.network.start(
      index,
      new HostileSite({ environment, signatures, band, victims, periodMs, shuffleLength }),
    )
  }
  return indexes
}

/** The share of the links of honest sites that lead to liars. */
function shareOf(run: OverlayRun, band: ReadonlySet<number>): number {
  const links = run.views().flatMap((view, index) => (band.has(index) ? [] : (view ?? [])))
  return links.filter((other) => band.has(other)).length / Math.max(1, links.length)
}

function forgeriesBelieved(run: OverlayRun, by: number, honest: readonly number[]): number {
  const table = run.site(by)?.table
  return honest.filter((index) => table?.find(run.nameOf(index))?.state === 'left').length
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
