/** Weighers: each says how good a host would be, between 0 and 1, were the server placed there. */

import { freeOf, type HostSnapshot, type Resources } from './host-snapshot.ts'

export type Weigher = (host: HostSnapshot, needs: Resources) => number

/** The share of its RAM that stays free. */
export const freeRam: Weigher = (host, needs) =>
  fractionOf(freeOf(host).ramMib - needs.ramMib, host.total.ramMib)

/** The share of its virtual CPUs that stays free. */
export const freeCpu: Weigher = (host, needs) =>
  fractionOf(freeOf(host).vcpus - needs.vcpus, host.total.vcpus * host.cpuAllocationRatio)

/** 1 for an empty host, falling with the number of servers: keeps small servers apart on large, even hosts. */
export const spread: Weigher = ({ serversCount }) => 1 / (1 + serversCount)

/** RAM counts most, because it is what runs out first: it is never over-committed. */
const weighers: readonly (readonly [weigher: Weigher, weight: number])[] = [
  [freeRam, 1],
  [freeCpu, 0.5],
  [spread, 0.25],
]

/** The weighted sum: the higher, the better. */
export function weigh(host: HostSnapshot, needs: Resources): number {
  return weighers.reduce((sum, [weigher, weight]) => sum + weight * weigher(host, needs), 0)
}

function fractionOf(free: number, total: number): number {
  return total > 0 ? free / total : 0
}
