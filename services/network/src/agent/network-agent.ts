/**
 * Makes the networks of hosts what the records say. One agent serves any number of hosts: what it does grows with
 * what changed. Hosts whose own guests are affected come first; that others learn of a port elsewhere is paced.
 */

import type { Fabric, FabricNetwork, NetworkId } from '@atoll/fabric'
import { type CancelTimer, type Clock, type Logger, Reconciler, type Service, sleep } from '@atoll/kit'
import type { State } from '@atoll/state'
import { type MirroredNetwork, NetworkMirror, PendingChanges } from './network-mirror.ts'
import { planNetwork } from './plan-network.ts'
import { type PortWiring, WiredPorts } from './port-wiring.ts'
import { type ConfirmHost, type ReportedStatus, reportStatuses } from './report-statuses.ts'

export interface NetworkAgentOptions {
  readonly state: State
  /** The fabric of each host that the agent serves, by the host's name. After a change, call `refresh`. */
  readonly fabrics: ReadonlyMap<string, Fabric>
  /** Default: hosts are this process's for ever. */
  readonly confirm?: ConfirmHost
  readonly clock: Clock
  readonly log: Logger
  /** Underlay address of any host of the cloud, or undefined while it is not known here. */
  readonly tunnelIpOf: (hostName: string) => Promise<string | undefined>
  /** Name of the guest that has a port, by the port's device; undefined for what is no guest of ours. */
  readonly hostnameOf: (deviceId: string) => Promise<string | undefined>
  /** How often everything is read and stated anew, which repairs what somebody else changed on a host. */
  readonly fullPassMs?: number
}

export interface NetworkAgent {
  readonly service: Service
  readonly wiring: PortWiring
  /** Looks at everything anew, soon: the hosts that the agent serves are others now. */
  refresh(): void
}

const FULL_PASS_MS = 60_000
/** A host that could not be wired is tried again after this. */
const RETRY_MS = 2_000
/** The longest that hosts are told without letting anybody else run. */
const SLICE_MS = 10
/** After a slice of telling hosts of ports elsewhere comes a pause of this many times its length: at most 25 % of a CPU. */
const PACE = 3

export function createNetworkAgent(options: NetworkAgentOptions): NetworkAgent {
  const agent = new Agent(options)
  return { service: agent, wiring: agent.wiring, refresh: () => agent.refresh() }
}

class Agent implements Service {
  readonly name = 'network-agent'
  readonly wiring: WiredPorts
  readonly #options: NetworkAgentOptions
  readonly #mirror: NetworkMirror
  readonly #reconciler: Reconciler
  /** By network, then by host: the ports that are wired there. */
  readonly #wired = new Map<string, Map<string, ReadonlySet<string>>>()
  #pending = new PendingChanges()
  #reports: ReportedStatus[] = []
  #fullPassAtMs = Number.NEGATIVE_INFINITY
  #refreshesWanted = 0
  #refreshesDone = 0
  #laterAtMs = Number.NEGATIVE_INFINITY
  /** The network of which a host was told last, of what could wait. */
  #toldLast = ''
  /** By host and network. */
  readonly #failedUntilMs = new Map<string, number>()
  readonly #timers = new Map<'retry' | 'later', CancelTimer>()

  constructor(options: NetworkAgentOptions) {
    const { state, clock, log, fabrics, tunnelIpOf, hostnameOf, fullPassMs = FULL_PASS_MS } = options
    this.#options = options
    this.wiring = new WiredPorts(clock)
    this.#mirror = new NetworkMirror({
      state,
      tunnelIpOf,
      hostnameOf,
      isOwnHost: (hostName) => fabrics.has(hostName),
      ownHosts: () => [...fabrics.keys()],
    })
    this.#reconciler = new Reconciler({
      name: this.name,
      clock,
      log,
      intervalMs: fullPassMs,
      pass: (signal) => this.#pass(signal),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const stopListening = this.#options.state.onCommit((changes) => {
      if (this.#pending.add(changes)) this.#reconciler.poke()
    })
    this.#fullPassAtMs = Number.NEGATIVE_INFINITY
    try {
      await this.#reconciler.run(signal)
    } finally {
      stopListening()
      for (const cancel of this.#timers.values()) cancel()
    }
  }

  refresh(): void {
    for (const [networkId, hosts] of this.#wired) {
      for (const hostName of [...hosts.keys()])
        if (!this.#options.fabrics.has(hostName)) this.#keepWired(networkId, hostName, new Set())
    }
    this.#refreshesWanted++
    this.#reconciler.poke()
  }

  async #pass(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.state.session(() => this.#readRecords())
      await this.#tellUrgent(signal)
      await this.#report()
      await this.#tellLater(signal)
      await this.#report()
    } catch (error) {
      this.#pokeAfter('retry', RETRY_MS)
      throw error
    }
  }

  async #readRecords(): Promise<void> {
    const { clock, fullPassMs = FULL_PASS_MS } = this.#options
    const pending = this.#pending
    this.#pending = new PendingChanges()
    const nowMs = clock.monotonicMs()
    const refreshes = this.#refreshesWanted
    if (nowMs < this.#fullPassAtMs && refreshes === this.#refreshesDone) {
      // What was taken out is lost when reading fails: the next pass then reads everything.
      const nextMs = this.#fullPassAtMs
      this.#fullPassAtMs = nowMs
      await this.#mirror.take(pending)
      this.#fullPassAtMs = nextMs
      return
    }
    await this.#mirror.loadAll()
    this.#findUnwired()
    await this.#findLeftovers()
    this.#fullPassAtMs = nowMs + fullPassMs
    this.#refreshesDone = refreshes
  }

  /** Ports of own hosts that were never wired come first: these hosts are served from now on, and their guests wait. */
  #findUnwired(): void {
    for (const [networkId, { ports, urgentHosts }] of this.#mirror.networks) {
      const wired = this.#wired.get(networkId)
      for (const { id, host } of ports.values())
        if (this.#options.fabrics.has(host) && !wired?.get(host)?.has(id)) urgentHosts.add(host)
    }
  }

  /** Takes off the hosts what an earlier process left and no port needs any more. */
  async #findLeftovers(): Promise<void> {
    const needed = new Set<string>()
    for (const [networkId, { ports }] of this.#mirror.networks) {
      for (const { host } of ports.values()) needed.add(`${host} ${networkId}`)
    }
    for (const [hostName, fabric] of this.#options.fabrics) {
      for (const { networkId } of await fabric.list()) {
        if (!needed.has(`${hostName} ${networkId}`)) await this.#remove(networkId, hostName, fabric)
      }
    }
  }

  async #tellUrgent(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    let sliceMs = clock.monotonicMs()
    for (const [networkId, mirrored] of [...this.#mirror.networks]) {
      for (const hostName of [...mirrored.urgentHosts]) {
        if (signal.aborted) return
        await this.#wire(networkId, mirrored, hostName)
        if (clock.monotonicMs() - sliceMs < SLICE_MS) continue
        await sleep(clock, 0, signal)
        sliceMs = clock.monotonicMs()
      }
    }
  }

  /** One slice at a time, since somebody may wait for a port: the rest comes in the passes after the pause. */
  async #tellLater(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const startMs = clock.monotonicMs()
    // A timer may come a moment early; without another one the rest would wait for the next change.
    if (startMs < this.#laterAtMs) return this.#pokeAfter('later', this.#laterAtMs - startMs)
    for (const [networkId, mirrored] of this.#inTurn()) {
      if (mirrored.isTouched) await this.#mirror.prepare(mirrored)
      for (const hostName of [...mirrored.laterHosts]) {
        if (signal.aborted) return
        const leftMs = (this.#failedUntilMs.get(`${hostName} ${networkId}`) ?? 0) - startMs
        if (leftMs > 0) {
          this.#pokeAfter('retry', leftMs)
          continue
        }
        this.#toldLast = networkId
        await this.#wire(networkId, mirrored, hostName)
        const elapsedMs = clock.monotonicMs() - startMs
        if (elapsedMs < SLICE_MS) continue
        const pauseMs = elapsedMs * PACE
        this.#laterAtMs = startMs + elapsedMs + pauseMs
        return this.#pokeAfter('later', pauseMs)
      }
    }
  }

  /** All networks, beginning after the one that was told last: however much changes in one, the others have their turn. */
  #inTurn(): readonly (readonly [id: string, network: MirroredNetwork])[] {
    const all = [...this.#mirror.networks]
    const start = 1 + all.findIndex(([id]) => id === this.#toldLast)
    return [...all.slice(start), ...all.slice(0, start)]
  }

  async #wire(networkId: string, mirrored: MirroredNetwork, hostName: string): Promise<void> {
    const { fabrics, log, clock } = this.#options
    const fabric = fabrics.get(hostName)
    const plan = planNetwork(await this.#mirror.prepare(mirrored), hostName)
    mirrored.urgentHosts.delete(hostName)
    mirrored.laterHosts.delete(hostName)
    this.#failedUntilMs.delete(`${hostName} ${networkId}`)
    if (!fabric) return
    try {
      if (plan) await this.#apply(mirrored, plan, { hostName, fabric })
      else await this.#remove(networkId, hostName, fabric)
    } catch (error) {
      log.warn(
        { err: error, network: networkId, host: hostName },
        'a network could not be wired; trying again',
      )
      mirrored.laterHosts.add(hostName)
      this.#failedUntilMs.set(`${hostName} ${networkId}`, clock.monotonicMs() + RETRY_MS)
      this.#pokeAfter('retry', RETRY_MS)
    }
  }

  async #apply(
    { statuses }: MirroredNetwork,
    plan: FabricNetwork,
    { hostName, fabric }: { hostName: string; fabric: Fabric },
  ): Promise<void> {
    const { taps } = await fabric.apply(plan)
    const portIds = new Set<string>(taps.keys())
    this.#keepWired(plan.id, hostName, portIds)
    for (const [portId, tap] of taps) this.wiring.wired(portId, tap)
    for (const { id, isAdminStateUp } of plan.localPorts) {
      const status = isAdminStateUp ? 'ACTIVE' : 'DOWN'
      if (statuses.get(id) !== status) this.#reports.push({ portId: id, hostName, status })
    }
  }

  async #remove(networkId: string, hostName: string, fabric: Fabric): Promise<void> {
    await fabric.remove(networkId as NetworkId)
    this.#keepWired(networkId, hostName, new Set())
    if (!this.#wired.has(networkId)) this.#mirror.forgetUnused(networkId)
  }

  #keepWired(networkId: string, hostName: string, portIds: ReadonlySet<string>): void {
    const hosts = this.#wired.get(networkId) ?? new Map<string, ReadonlySet<string>>()
    const gone = [...(hosts.get(hostName) ?? [])].filter((portId) => !portIds.has(portId))
    for (const portId of gone) this.wiring.unwired(portId)
    if (portIds.size > 0) hosts.set(hostName, portIds)
    else hosts.delete(hostName)
    if (hosts.size > 0) this.#wired.set(networkId, hosts)
    else this.#wired.delete(networkId)
  }

  async #report(): Promise<void> {
    const { state, fabrics, confirm = async () => {} } = this.#options
    const reports = this.#reports.filter(({ hostName }) => fabrics.has(hostName))
    this.#reports = []
    if (reports.length === 0) return
    try {
      await reportStatuses(state, confirm, reports)
    } catch (error) {
      // What was written is not written again, and what a later look finds comes after this.
      this.#reports = [...reports, ...this.#reports]
      throw error
    }
  }

  #pokeAfter(reason: 'retry' | 'later', delayMs: number): void {
    this.#timers.get(reason)?.()
    this.#timers.set(
      reason,
      this.#options.clock.after(delayMs, () => this.#reconciler.poke()),
    )
  }
}
