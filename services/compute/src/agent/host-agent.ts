/**
 * The agent of compute hosts: makes true what servers' records want, for the hosts of this process. It looks at what
 * changed as soon as it is committed, and at everything at the start and once a minute.
 */

import { type Clock, type Logger, type Service, sleep } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import type { NetworkForCompute } from '../network-for-compute.ts'
import { servers } from '../records.ts'
import { completeDeletion, reportError, reportRebooted, reportRunning, reportStopped } from '../reports.ts'
import { type GuestSpecDependencies, guestSpecOf } from './guest-spec.ts'
import type { ComputeHost } from './host-drivers.ts'
import { planServer, type Server, type Step } from './plan-server.ts'
import { registerHosts } from './register-hosts.ts'
import { WorkQueue } from './work-queue.ts'

export interface HostAgentOptions extends GuestSpecDependencies {
  readonly state: State
  readonly hosts: readonly ComputeHost[]
  readonly network: Pick<NetworkForCompute, 'unbindOrDeletePorts'>
  readonly clock: Clock
  readonly log: Logger
  /** How many servers are worked on at once. Starting a guest is mostly waiting, for its image and its ports. */
  readonly concurrencyMax?: number
}

const scope = cloudScope('compute agent')
const FULL_PASS_MS = 60_000
/** How long a guest may take to answer the power button; Nova's default `shutdown_timeout`. */
const GRACE_MS = 60_000
/** A failing start is tried again after 1, 2, 4 … s, and after so many tries the server is in ERROR. */
const ATTEMPTS_MAX = 4
/** One look at a server may take several steps, each of which must change something; more would be a loop. */
const STEPS_MAX = 6

export class HostAgent implements Service {
  readonly name = 'compute agent'
  readonly #options: HostAgentOptions
  readonly #hosts: ReadonlyMap<string, ComputeHost>
  readonly #failures = new Map<string, number>()
  readonly #queue: WorkQueue
  readonly #stopping = new AbortController()

  constructor(options: HostAgentOptions) {
    this.#options = options
    this.#hosts = new Map(options.hosts.map((host) => [host.name, host]))
    this.#queue = new WorkQueue({
      concurrencyMax: options.concurrencyMax ?? 16,
      work: (id) => this.#work(id),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, clock, hosts } = this.#options
    await registerHosts(state, hosts)
    const stopListening = [
      state.onCommit((changes) => {
        for (const { table, id } of changes) if (table === servers.name) this.#queue.add(id)
      }),
      ...hosts.map(({ hypervisor }) => hypervisor.subscribe(({ id }) => this.#queue.add(id))),
    ]
    while (!signal.aborted) {
      await this.#lookAtAll()
      await sleep(clock, FULL_PASS_MS, signal)
    }
    for (const stop of stopListening) stop()
    this.#stopping.abort()
    await this.#queue.stop()
  }

  /** What a server's guest wrote to its console; '' before its first start. */
  async consoleOutput(server: Pick<Server, 'id' | 'host'>, lines: number | undefined): Promise<string> {
    const host = this.#hosts.get(server.host)
    const guests = (await host?.hypervisor.list()) ?? []
    if (!host || !guests.some(({ id }) => id === server.id)) return ''
    return host.hypervisor.consoleOutput(server.id, lines === undefined ? {} : { lines })
  }

  async #lookAtAll(): Promise<void> {
    const { state } = this.#options
    const rows = await state
      .select(scope, servers)
      .select(['id', 'host'])
      .where('home', '=', state.site.name)
      .execute()
    for (const { id, host } of rows) if (this.#hosts.has(host)) this.#queue.add(id)
    for (const host of this.#hosts.values()) {
      for (const { id } of await host.hypervisor.list()) this.#queue.add(id)
    }
  }

  async #work(id: string): Promise<void> {
    const { log, state, clock } = this.#options
    try {
      for (let steps = 0; steps < STEPS_MAX && (await this.#step(id)); steps++);
      this.#failures.delete(id)
    } catch (error) {
      const failures = (this.#failures.get(id) ?? 0) + 1
      this.#failures.set(id, failures)
      log.warn({ server: id, failures, err: error }, 'a step for a server failed')
      if (failures >= ATTEMPTS_MAX) {
        this.#failures.delete(id)
        await reportError(state, id, error).catch((cause: unknown) =>
          log.error({ server: id, err: cause }, 'not reported'),
        )
      } else {
        void sleep(clock, 1000 * 2 ** (failures - 1), this.#stopping.signal).then(() => this.#queue.add(id))
      }
    }
  }

  /** Looks and does the next thing; answers whether there may be more to do. */
  async #step(id: string): Promise<boolean> {
    const { state } = this.#options
    const server = await state.find(scope, servers, id)
    if (!server) return this.#clearAway(id)
    const host = this.#hosts.get(server.host)
    if (!host || server.home !== state.site.name) return false
    const guest = (await host.hypervisor.list()).find((candidate) => candidate.id === id)
    const step = planServer(server, guest)
    await this.#perform(step, server, host)
    return step.kind !== 'none' && step.kind !== 'complete-deletion'
  }

  // A guest goes only when its server is known to be deleted: a record that is merely missing proves nothing.
  async #clearAway(id: string): Promise<false> {
    const { state, log } = this.#options
    for (const host of this.#hosts.values()) {
      const isHere = (await host.hypervisor.list()).some((guest) => guest.id === id)
      if (!isHere) continue
      if ((await state.homeOf(servers.name, id)) === undefined)
        log.warn({ guest: id, host: host.name }, 'a guest of no known server is left alone')
      else await host.hypervisor.destroy(id)
    }
    return false
  }

  async #perform(step: Step, server: Server, { hypervisor }: ComputeHost): Promise<void> {
    const { state, network } = this.#options
    const { id, fence } = server
    switch (step.kind) {
      case 'none':
        return
      case 'start':
        await hypervisor.start(await guestSpecOf(server, this.#options))
        return reportRunning(state, id, fence)
      case 'stop':
        await hypervisor.stop(id, { mode: 'soft', graceMs: GRACE_MS })
        return reportStopped(state, id, fence, { byGuest: false })
      case 'reboot':
        await hypervisor.reboot(id, { mode: step.mode, graceMs: GRACE_MS })
        return reportRebooted(state, id, fence, step.number)
      case 'destroy':
        return hypervisor.destroy(id)
      case 'report-running':
        return reportRunning(state, id, fence)
      case 'report-stopped':
        return reportStopped(state, id, fence, { byGuest: step.byGuest })
      case 'complete-deletion':
        return completeDeletion(state, id, network)
    }
  }
}
