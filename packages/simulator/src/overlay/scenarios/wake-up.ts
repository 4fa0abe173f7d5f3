/** A tenth of the sites goes to sleep as planned, and wakes again: nobody is alarmed, and everybody knows. */

import type { SiteState } from '@atoll/overlay'
import { FaultObserver } from '../fault-observer.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atLeast, atMost, type Scenario } from './scenario.ts'

const ASLEEP = 0.1

export const wakeUp: Scenario = {
  name: 'wake-up',
  summary: 'a tenth of the sites sleeps as planned, and wakes',
  minutes: 10,
  run: ({ seed, sites, rtt, loss, minutes, onProgress }) => {
    const run = new OverlayRun({ seed, sites, rtt, loss })
    run.startSettled(sites)
    const observer = new FaultObserver(run)
    run.pass(60_000)
    const sleepers = Array.from({ length: Math.round(ASLEEP * sites) }, (_, index) => index)
    const alarmsBefore = observer.falseCuts
    for (const index of sleepers) run.site(index)?.announce('dormant')
    run.pass(20_000)
    for (const index of sleepers) run.crash(index)
    run.pass(minutes * 60_000)
    const asleep = shareSeen(run, sleepers, 'dormant')
    onProgress(`asleep in the eyes of ${(100 * asleep).toFixed(1)} % of the others`)
    const alarms = run.up().reduce((sum, by) => sum + countState(run, by, sleepers, 'cut'), 0)
    for (const index of sleepers) run.start(index)
    const wokenMs = run.network.nowMs
    let knownMs = Number.POSITIVE_INFINITY
    while (run.network.nowMs < wokenMs + 120_000) {
      run.pass(500)
      if (shareSeen(run, sleepers, 'alive') < 1) continue
      knownMs = run.network.nowMs - wokenMs
      break
    }
    return {
      figures: [
        atMost('alarms about sleepers', alarms + observer.falseCuts - alarmsBefore, '', 0),
        atLeast('pairs in which the sleeper is known to sleep', asleep, '', 0.999),
        { name: 'after waking all others know after', value: knownMs / 1000, unit: 's' },
      ],
      distributions: [],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}

function shareSeen(run: OverlayRun, sleepers: readonly number[], state: SiteState): number {
  const up = run.up().filter((index) => !sleepers.includes(index))
  const seen = up.reduce((sum, by) => sum + countState(run, by, sleepers, state), 0)
  return seen / (up.length * sleepers.length)
}

function countState(run: OverlayRun, by: number, of: readonly number[], state: SiteState): number {
  const table = run.site(by)?.table
  return of.filter((index) => table?.find(run.nameOf(index))?.state === state).length
}
