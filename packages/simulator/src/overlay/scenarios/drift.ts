/** Routes change: every minute a third of the pairs becomes up to twice as far, or near again. No site may be cut off. */

import type { RttMatrix } from '../../rtt/rtt-matrix.ts'
import { FaultObserver } from '../fault-observer.ts'
import { OverlayRun } from '../overlay-run.ts'
import { atMost, type Scenario } from './scenario.ts'

export const drift: Scenario = {
  name: 'drift',
  summary: 'the routes of the Internet change every minute',
  minutes: 10,
  run: ({ seed, sites, rtt, loss, minutes, onProgress }) => {
    const run = new OverlayRun({ seed, sites, rtt, loss })
    run.startSettled(sites)
    const observer = new FaultObserver(run)
    run.pass(60_000)
    for (let minute = 1; minute <= minutes; minute++) {
      run.network.rtt = drifted(rtt, seed * 1000 + minute)
      run.pass(60_000)
      onProgress(`minute ${minute} of ${minutes}: ${observer.falselyCut} false alarms`)
    }
    return {
      figures: [
        atMost('sites cut off falsely', observer.falselyCut, '', 0),
        { name: 'suspicions, of all pairs', value: observer.suspicions, unit: '' },
      ],
      distributions: [],
      digest: run.network.digest,
      events: run.network.traffic.events,
      simulatedMs: run.network.nowMs,
    }
  },
}

function drifted(rtt: RttMatrix, seed: number): RttMatrix {
  const stretch = (left: number, right: number) => {
    const mixed =
      Math.imul(Math.imul(left + 1, 0x9e3779b1) ^ Math.imul(right + 1, 0x85ebca6b), seed | 1) >>> 0
    const share = mixed / 0x1_0000_0000
    return share < 1 / 3 ? 1 + 3 * share : 1
  }
  return {
    size: rtt.size,
    rttMs: (from, to) => rtt.rttMs(from, to) * stretch(Math.min(from, to), Math.max(from, to)),
  }
}
