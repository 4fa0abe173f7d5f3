/**
 * A settled cloud with loss and slow sites: false alarms and traffic over the main part; then an event, and single
 * crashes, each of which must become known to all.
 */

import { type News, signedRumour, signedTopic } from '@atoll/overlay'
import { FaultObserver } from '../fault-observer.ts'
import { OverlayRun } from '../overlay-run.ts'
import { makeSlow } from '../slow-sites.ts'
import { TrafficMeter } from '../traffic-meter.ts'
import { atMost, quantile, type Scenario, type ScenarioOptions } from './scenario.ts'

const EVENTS = 20
const CRASHES = 20
const EVENT_TOPIC = 'event'

export const steady: Scenario = {
  name: 'steady',
  summary: 'loss and slow sites: false alarms, traffic, events, single crashes',
  minutes: 10,
  run: (options) => {
    const heard = new Map<number, number[]>()
    const run = settledCloud(options, heard)
    const observer = new FaultObserver(run)
    makeSlow(run.network, options.sites, options.slow)
    run.pass(60_000)
    const meter = new TrafficMeter(run.network)
    for (let minute = 1; minute <= options.minutes; minute++) {
      run.pass(60_000)
      options.onProgress(`minute ${minute} of ${options.minutes}: ${observer.falselyCut} false alarms`)
    }
    const bytes = meter.bytesPerSecond(options.sites)
    const nodeHours = ((options.minutes + 1) / 60) * options.sites
    const events = spreadEvents(run, options, heard)
    const crashes = crashSome(run, observer, options)
    const [all = 0, pairs] = [bytes.get('all'), Math.max(1, options.sites - 1)]
    return {
      figures: [
        atMost('event to 99 % of sites, median of events', quantile(events, 0.5), 'ms', 1000),
        atMost('crash known, p99 of all pairs', quantile(crashes.knownMs, 0.99), 'ms', 5000),
        { name: 'crash known, median', value: quantile(crashes.knownMs, 0.5), unit: 'ms' },
        { name: 'crash not known after 30 s, pairs', value: crashes.missing, unit: '' },
        { name: 'node-hours', value: nodeHours, unit: 'h' },
        { name: 'sites falsely cut off', value: observer.falselyCut, unit: '' },
        { name: 'by how many pairs', value: observer.falseCuts, unit: '' },
        { name: 'sent by a site, idle', value: all, unit: 'B/s' },
        atMost('of that per pair of sites', all / pairs, 'B/s', 200),
        ...[...bytes]
          .filter(([protocol]) => protocol !== 'all')
          .map(([protocol, value]) => ({ name: `of that ${protocol}`, value, unit: 'B/s' })),
      ],
      distributions: [
        { name: 'crash-known', unit: 'ms', values: crashes.knownMs },
        { name: 'event-to-99-percent', unit: 'ms', values: events },
      ],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}

function settledCloud({ seed, sites, rtt, loss }: ScenarioOptions, heard: Map<number, number[]>): OverlayRun {
  const run: OverlayRun = new OverlayRun({
    seed,
    sites,
    rtt,
    loss,
    topics: (index) => [
      signedTopic({
        name: EVENT_TOPIC,
        isUrgent: true,
        signatures: run.signaturesOf(index),
        mayTell: () => true,
        onNews: ({ number }: News) => heard.get(number)?.push(run.network.nowMs),
      }),
    ],
  })
  run.startSettled(sites)
  return run
}

/** Tells events from sites by chance; returns how long each took to 99 % of the sites. */
function spreadEvents(run: OverlayRun, { sites }: ScenarioOptions, heard: Map<number, number[]>): number[] {
  const durationsMs: number[] = []
  for (let number = 1; number <= EVENTS; number++) {
    const from = run.random.below(sites)
    const startMs = run.network.nowMs
    heard.set(number, [startMs])
    const told = { topic: EVENT_TOPIC, subject: `event-${number}`, number, data: { what: 'revoked' } }
    run.site(from)?.tell(signedRumour(run.signaturesOf(from), told))
    run.pass(20_000)
    const times = (heard.get(number) ?? []).toSorted((left, right) => left - right)
    durationsMs.push((times[Math.ceil(0.99 * sites) - 1] ?? Number.POSITIVE_INFINITY) - startMs)
  }
  return durationsMs
}

function crashSome(run: OverlayRun, observer: FaultObserver, { sites, onProgress }: ScenarioOptions) {
  const count = Math.min(CRASHES, Math.floor(sites / 10))
  let expected = 0
  for (let crash = 1; crash <= count; crash++) {
    const up = run.up()
    const index = up[run.random.below(up.length)] ?? 0
    observer.crash(index)
    expected += up.length - 1
    run.pass(30_000)
    onProgress(`crash ${crash} of ${count}`)
  }
  return { knownMs: observer.knownMs, missing: expected - observer.knownMs.length }
}
