/** Which sites have room, from the replicas of their hosts' records: kept in memory, changed with every commit. */

import { hosts } from '@atoll/compute'
import type { Capacity, Directory, Freshness, Needs, Places } from '@atoll/federation'
import type { Clock } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import { cloudScope, followChangedRecords, type State } from '@atoll/state'
import { outward, type RoundTrips } from './outward.ts'

type Host = Row<typeof hosts>

const scope = cloudScope('places for workloads')

export interface KnownSites {
  readonly freshness: Freshness
  readonly directory: Directory
  readonly clock: Clock
  /** What is known of the round trips to other sites at the moment. */
  readonly roundTrips: () => RoundTrips
}

/** The answer is a guess: the site itself decides, in the transaction that claims the host. */
export class HostPlaces implements Places {
  readonly #state: State
  readonly #freshness: Freshness
  readonly #directory: Directory
  readonly #roundTrips: () => RoundTrips
  readonly #hosts = new Map<string, Host>()

  /** Callers must `load` it before use. */
  constructor(state: State, known: KnownSites) {
    this.#state = state
    this.#roundTrips = known.roundTrips
    this.#freshness = known.freshness
    this.#directory = known.directory
    followChangedRecords({ state, table: hosts, clock: known.clock, read: (ids) => this.#read(ids) })
  }

  async load(): Promise<void> {
    for (const host of await this.#state.select(scope, hosts).selectAll().execute())
      this.#hosts.set(host.id, host)
  }

  withRoom(needs: Needs, availabilityZone: string | undefined): readonly string[] {
    const freeBySite = new Map<string, number>()
    for (const host of this.#hosts.values()) {
      if (host.home === this.#state.site.name || !this.#isOpen(host.home)) continue
      if (availabilityZone !== undefined && host.availability_zone !== availabilityZone) continue
      if (!hasRoom(host, needs)) continue
      freeBySite.set(host.home, (freeBySite.get(host.home) ?? 0) + (host.ram_mib - host.ram_mib_used))
    }
    const roundTripMs = this.#roundTrips()
    return outward(
      Array.from(freeBySite, ([site, freeRamMib]) => ({
        site,
        freeRamMib,
        roundTripMs: roundTripMs(site),
      })),
    )
  }

  siteOfZone(availabilityZone: string): string | undefined {
    for (const host of this.#hosts.values()) if (host.availability_zone === availabilityZone) return host.home
    return undefined
  }

  capacity(): Capacity {
    const free = { vcpus: 0, ramMib: 0, diskGib: 0 }
    for (const host of this.#hosts.values()) {
      if (host.home !== this.#state.site.name || !host.enabled) continue
      free.vcpus += Math.max(0, host.vcpus * host.cpu_allocation_ratio - host.vcpus_used)
      free.ramMib += Math.max(0, host.ram_mib - host.ram_mib_used)
      free.diskGib += Math.max(0, host.disk_gib - host.disk_gib_used)
    }
    return free
  }

  /** A site that is about to leave gets nothing new. */
  #isOpen(site: string): boolean {
    return this.#freshness.isReachable(site) && this.#directory.find(site)?.standing === 'member'
  }

  async #read(ids: readonly string[]): Promise<void> {
    const rows = await this.#state.select(scope, hosts).selectAll().where('id', 'in', ids).execute()
    for (const id of ids) this.#hosts.delete(id)
    for (const row of rows) this.#hosts.set(row.id, row)
  }
}

function hasRoom(host: Host, { vcpus, ramMib, diskGib }: Needs): boolean {
  return (
    host.enabled &&
    host.vcpus * host.cpu_allocation_ratio - host.vcpus_used >= vcpus &&
    host.ram_mib - host.ram_mib_used >= ramMib &&
    host.disk_gib - host.disk_gib_used >= diskGib
  )
}
