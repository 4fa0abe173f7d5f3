/**
 * Sites whose process stands still: for 0.2 s on average and 1 s at most, 20 % of all time, by chance. Such a site is
 * neither dead nor well, and a failure detector must not take it for dead.
 */

import { fraction, type Random } from '@atoll/kit'
import type { DatagramNetwork } from '../datagrams/datagram-network.ts'

const PAUSE_MEAN_MS = 200
const PAUSE_MAX_MS = 1000
const BETWEEN_MEAN_MS = 800

/** Makes a share of the first `count` nodes slow for the rest of the run; returns which. */
export function makeSlow(network: DatagramNetwork, count: number, share: number): ReadonlySet<number> {
  const random = network.random('slow sites')
  const slow = new Set<number>()
  while (slow.size < Math.round(share * count)) slow.add(random.below(count))
  for (const index of slow) pauseAgain(network, index, random)
  return slow
}

function pauseAgain(network: DatagramNetwork, index: number, random: Random): void {
  const atMs = network.nowMs + exponential(random, BETWEEN_MEAN_MS)
  network.at(atMs, () => {
    const pauseMs = Math.min(PAUSE_MAX_MS, exponential(random, PAUSE_MEAN_MS))
    network.stall(index, pauseMs)
    network.at(network.nowMs + pauseMs, () => pauseAgain(network, index, random))
  })
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - fraction(random))
}
