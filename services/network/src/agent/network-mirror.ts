/**
 * The networks that the hosts of an agent need, mirrored from the records. A commit tells which records changed; only
 * those are read again, and each mirrored network knows which hosts must hear of it.
 */

import { isDeepStrictEqual } from 'node:util'
import { type Change, cloudScope, type State } from '@atoll/state'
import type { Subnet } from '../addressing/addresses.ts'
import type { Network } from '../networks/view.ts'
import type { Port } from '../ports/view.ts'
import { type FixedIp, networks, ports, subnets } from '../records.ts'
import { factsOf, type NetworkView, type PortFacts } from './network-view.ts'
import { type PreparedNetwork, prepareNetwork } from './plan-network.ts'

export interface MirrorOptions {
  readonly state: State
  /** True for the agent's own hosts. */
  readonly isOwnHost: (hostName: string) => boolean
  readonly ownHosts: () => readonly string[]
  readonly tunnelIpOf: (hostName: string) => Promise<string | undefined>
  readonly hostnameOf: (deviceId: string) => Promise<string | undefined>
}

const scope = cloudScope('network agent')
/** How many ids go into one query. */
const CHUNK = 500
/** How many questions for single records are under way at a time. */
const QUESTIONS = 16
/** Compute's records of hosts, whose tunnel addresses `tunnelIpOf` knows. */
const HOSTS_TABLE = 'hosts'

/** Records that changed and were not looked at yet. */
export class PendingChanges {
  readonly networkIds = new Set<string>()
  readonly subnetIds = new Set<string>()
  readonly portIds = new Set<string>()
  hasHosts = false

  /** Answers whether any of the changes matters. */
  add(changes: readonly Change[]): boolean {
    let matters = false
    for (const { table, id } of changes) {
      if (table === ports.name) this.portIds.add(id)
      else if (table === networks.name) this.networkIds.add(id)
      else if (table === subnets.name) this.subnetIds.add(id)
      else if (table === HOSTS_TABLE) this.hasHosts = true
      else continue
      matters = true
    }
    return matters
  }
}

export class MirroredNetwork implements NetworkView {
  network: Network
  subnets: readonly Subnet[] = []
  readonly ports = new Map<string, PortFacts>()
  /** As the records have it, of the ports of own hosts. */
  readonly statuses = new Map<string, Port['status']>()
  /** Own hosts whose guests are affected: they hear of the change first. */
  readonly urgentHosts = new Set<string>()
  /** Own hosts that must only learn what changed elsewhere. */
  readonly laterHosts = new Set<string>()
  prepared: PreparedNetwork | undefined
  /** True when something changed that all own hosts of the network must learn. */
  isTouched = false

  constructor(network: Network) {
    this.network = network
  }
}

export class NetworkMirror {
  readonly networks = new Map<string, MirroredNetwork>()
  readonly #options: MirrorOptions
  readonly #networkOfPort = new Map<string, string>()
  readonly #tunnelIps = new Map<string, string>()
  readonly #unknownHosts = new Set<string>()
  readonly #hostnames = new Map<string, string>()

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  /** Reads everything anew; every host of every network is to be told again. */
  async loadAll(): Promise<void> {
    this.#tunnelIps.clear()
    this.#unknownHosts.clear()
    this.#hostnames.clear()
    const needed = new Set<string>()
    for (const hosts of chunks(this.#options.ownHosts())) {
      const rows = await this.#options.state
        .select(scope, ports)
        .select('network_id')
        .distinct()
        .where('binding_host', 'in', hosts)
        .execute()
      for (const { network_id } of rows) needed.add(network_id)
    }
    for (const id of new Set([...needed, ...this.networks.keys()])) await this.#load(id)
  }

  /** Reads what changed. */
  async take(pending: PendingChanges): Promise<void> {
    for (const id of pending.networkIds) await this.#takeNetwork(id)
    for (const id of pending.subnetIds) await this.#takeSubnet(id)
    for (const ids of chunks([...pending.portIds])) await this.#takePorts(ids)
    if (pending.hasHosts && this.#unknownHosts.size > 0) this.#askForHostsAgain()
  }

  /** The network made ready to be planned for its hosts. */
  async prepare(mirrored: MirroredNetwork): Promise<PreparedNetwork> {
    if (mirrored.prepared) return mirrored.prepared
    const unknown = new Map<string, () => Promise<void>>()
    for (const { host, deviceId } of mirrored.ports.values()) {
      const isOwn = this.#options.isOwnHost(host)
      if (isOwn && mirrored.isTouched) mirrored.laterHosts.add(host)
      if (!this.#tunnelIps.has(host) && !this.#unknownHosts.has(host))
        unknown.set(`host ${host}`, () => this.#learnTunnelIp(host))
      if (isOwn && deviceId !== '' && !this.#hostnames.has(deviceId))
        unknown.set(`device ${deviceId}`, () => this.#learnHostname(deviceId))
    }
    // Side by side, since each waits for the store.
    for (const learning of chunks([...unknown.values()], QUESTIONS))
      await Promise.all(learning.map((learn) => learn()))
    mirrored.isTouched = false
    const names = { tunnelIps: this.#tunnelIps, hostnames: this.#hostnames }
    mirrored.prepared = prepareNetwork(mirrored, names)
    return mirrored.prepared
  }

  /** Forgets a network when no own host has a port of it any more. */
  forgetUnused(networkId: string): void {
    const bound = [...(this.networks.get(networkId)?.ports.values() ?? [])]
    if (bound.some(({ host }) => this.#options.isOwnHost(host))) return
    for (const { id } of bound) this.#networkOfPort.delete(id)
    this.networks.delete(networkId)
  }

  async #load(networkId: string): Promise<void> {
    const { state } = this.#options
    // A network that goes while guests are still on it, at a site that did not hear of them, stays as it was for them.
    const network = await state
      .selectWithTombstones(scope, networks)
      .selectAll()
      .where('id', '=', networkId)
      .executeTakeFirst()
    const known = this.networks.get(networkId)
    if (!network) return
    const mirrored = known ?? new MirroredNetwork(network)
    mirrored.network = network
    this.networks.set(networkId, mirrored)
    const rows = await state
      .select(scope, ports)
      .selectAll()
      .where('network_id', '=', networkId)
      .orderBy('id')
      .execute()
    mirrored.subnets = await this.#subnetsOf(networkId, rows)
    const present = new Map(rows.map((row) => [row.id, row]))
    for (const id of [...mirrored.ports.keys()]) if (!present.has(id)) this.#change(mirrored, id, undefined)
    for (const row of rows) this.#change(mirrored, row.id, row)
    this.#touch(mirrored)
  }

  async #takeNetwork(id: string): Promise<void> {
    const mirrored = this.networks.get(id)
    if (!mirrored) return this.#loadIfNeeded(id)
    const network = await this.#options.state.find(scope, networks, id)
    if (!network) return
    const isSame =
      network.mtu === mirrored.network.mtu && network.admin_state_up === mirrored.network.admin_state_up
    mirrored.network = network
    if (!isSame) this.#touch(mirrored)
  }

  async #takeSubnet(id: string): Promise<void> {
    const row = await this.#options.state.find(scope, subnets, id)
    const mirrored = row
      ? this.networks.get(row.network_id)
      : [...this.networks.values()].find((candidate) => candidate.subnets.some((subnet) => subnet.id === id))
    if (!mirrored) return
    const ports = [...mirrored.ports.values()].map(({ fixedIps }) => ({ fixed_ips: fixedIps }))
    mirrored.subnets = await this.#subnetsOf(mirrored.network.id, ports)
    this.#touch(mirrored)
  }

  /** The subnets of a network that live, or that ports still have addresses of. */
  async #subnetsOf(
    networkId: string,
    ports: readonly { readonly fixed_ips: readonly FixedIp[] }[],
  ): Promise<readonly Subnet[]> {
    const used = new Set(ports.flatMap(({ fixed_ips }) => fixed_ips.map(({ subnet_id }) => subnet_id)))
    const rows = await this.#options.state
      .selectWithTombstones(scope, subnets)
      .selectAll()
      .where('network_id', '=', networkId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.filter(({ id, deleted_at }) => deleted_at === null || used.has(id))
  }

  async #takePorts(ids: readonly string[]): Promise<void> {
    const found = await this.#options.state.select(scope, ports).selectAll().where('id', 'in', ids).execute()
    const rows = new Map(found.map((row) => [row.id, row]))
    for (const id of ids) {
      const row = rows.get(id)
      const networkId = row?.network_id ?? this.#networkOfPort.get(id)
      if (networkId === undefined) continue
      const mirrored = this.networks.get(networkId)
      if (mirrored) this.#change(mirrored, id, row)
      else if (row && this.#options.isOwnHost(row.binding_host)) await this.#load(networkId)
    }
  }

  // A network whose ports came before it, as replicas may.
  async #loadIfNeeded(networkId: string): Promise<void> {
    const hosts = await this.#options.state
      .select(scope, ports)
      .select('binding_host')
      .distinct()
      .where('network_id', '=', networkId)
      .execute()
    if (hosts.some(({ binding_host }) => this.#options.isOwnHost(binding_host))) await this.#load(networkId)
  }

  #change(mirrored: MirroredNetwork, id: string, row: Port | undefined): void {
    const before = mirrored.ports.get(id)
    const after = row && factsOf(row)
    if (row && this.#options.isOwnHost(row.binding_host)) mirrored.statuses.set(id, row.status)
    else mirrored.statuses.delete(id)
    if (isDeepStrictEqual(before, after)) return
    if (after) {
      mirrored.ports.set(id, after)
      this.#networkOfPort.set(id, mirrored.network.id)
    } else {
      mirrored.ports.delete(id)
      this.#networkOfPort.delete(id)
    }
    if (before && before.deviceId !== after?.deviceId) this.#hostnames.delete(before.deviceId)
    for (const facts of [before, after]) {
      if (facts && this.#options.isOwnHost(facts.host)) mirrored.urgentHosts.add(facts.host)
    }
    this.#touch(mirrored)
  }

  #touch(mirrored: MirroredNetwork): void {
    mirrored.prepared = undefined
    mirrored.isTouched = true
  }

  async #learnTunnelIp(host: string): Promise<void> {
    const tunnelIp = await this.#options.tunnelIpOf(host)
    if (tunnelIp === undefined) this.#unknownHosts.add(host)
    else this.#tunnelIps.set(host, tunnelIp)
  }

  async #learnHostname(deviceId: string): Promise<void> {
    this.#hostnames.set(deviceId, (await this.#options.hostnameOf(deviceId)) ?? '')
  }

  #askForHostsAgain(): void {
    for (const mirrored of this.networks.values()) {
      const lacksOne = [...mirrored.ports.values()].some(({ host }) => this.#unknownHosts.has(host))
      if (lacksOne) this.#touch(mirrored)
    }
    this.#unknownHosts.clear()
  }
}

function chunks<Item>(items: readonly Item[], size = CHUNK): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
