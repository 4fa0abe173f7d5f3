/**
 * The agent of compute hosts: makes true what servers' records want, for the hosts of this process. It looks at what
 * changed as soon as it is committed, and at everything at the start and once a minute. What it does to one server
 * happens one after the other and is short; what takes long is an errand that holds up nobody, a deletion least of all.
 */

import { GuestNotFound, GuestNotRunning, type GuestState } from '@atoll/hypervisor'
import { type CancelTimer, type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import type { NetworkForCompute } from '../network-for-compute.ts'
import { servers } from '../records.ts'
import { completeDeletion, reportError, reportRebooted, reportRunning, reportStopped } from '../reports.ts'
import { Attempts } from './attempts.ts'
import { Errands } from './errands.ts'
import { findWork } from './find-work.ts'
import { type GuestSpecDependencies, guestSpecOf, type PreparedGuest, prepareGuest } from './guest-spec.ts'
import type { ComputeHost } from './host-drivers.ts'
import { fenced, type HostOwnership, type Reporting, soleOwner } from './host-ownership.ts'
import { planServer, type Server, type Step } from './plan-server.ts'
import { registerHosts } from './register-hosts.ts'
import { WorkQueue } from './work-queue.ts'

export interface HostAgentOptions extends GuestSpecDependencies {
  readonly state: State
  /** The hosts that this process can work on. */
  readonly hosts: readonly ComputeHost[]
  /** Those that it does work on; default: all of them. */
  readonly ownership?: HostOwnership
  readonly network: Pick<NetworkForCompute, 'unbindOrDeletePorts'>
  readonly clock: Clock
  readonly log: Logger
  /** How many servers are worked on at once, errands not counted: a guest that starts costs its host some CPU. */
  readonly concurrencyMax?: number
}

const scope = cloudScope('compute agent')
const FULL_PASS_MS = 60_000
/** How long a guest may take to answer the power button; Nova's default `shutdown_timeout`. */
const GRACE_MS = 60_000
/** One look at a server may take several steps, each of which must change something; more would be a loop. */
const STEPS_MAX = 6
/** A look that failed, for a store or a host that does not answer, is repeated after this. */
const LOOK_AGAIN_MS = 5_000

export class HostAgent implements Service {
  readonly name = 'compute agent'
  readonly #options: HostAgentOptions
  readonly #hosts: ReadonlyMap<string, ComputeHost>
  readonly #ownership: HostOwnership
  readonly #fullPass: Reconciler
  readonly #queue: WorkQueue
  readonly #attempts: Attempts
  readonly #preparations = new Errands<PreparedGuest>({ onEnd: (id) => this.#queue.add(id) })
  /** Soft stops and soft reboots. */
  readonly #shutdowns = new Errands<{ readonly isDone: true }>({ onEnd: (id) => this.#queue.add(id) })
  readonly #timers = new Map<string, CancelTimer>()
  /** Hosts whose records say what they offer. */
  readonly #registered = new Set<string>()

  constructor(options: HostAgentOptions) {
    this.#options = options
    this.#hosts = new Map(options.hosts.map((host) => [host.name, host]))
    this.#ownership = options.ownership ?? soleOwner
    this.#attempts = new Attempts(options.clock)
    this.#queue = new WorkQueue({
      concurrencyMax: options.concurrencyMax ?? 16,
      work: (id) => this.#work(id),
    })
    this.#fullPass = new Reconciler({
      name: this.name,
      clock: options.clock,
      log: options.log,
      intervalMs: FULL_PASS_MS,
      pass: () => this.#lookAtAll(),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, hosts } = this.#options
    const stopListening = [
      state.onCommit((changes) => {
        for (const { table, id } of changes) if (table === servers.name) this.#queue.add(id)
      }),
      ...hosts.map(({ hypervisor }) => hypervisor.subscribe(({ id }) => this.#queue.add(id))),
      // What was under way on a host that was lost ends by itself: nothing that it reports counts any more.
      this.#ownership.onChange((hostName) => {
        this.#registered.delete(hostName)
        this.#fullPass.poke()
      }),
    ]
    await this.#register()
    await this.#fullPass.run(signal)
    for (const stop of stopListening) stop()
    for (const cancel of this.#timers.values()) cancel()
    await this.#queue.stop()
  }

  /** What a server's guest wrote to its console; '' before its first start. */
  async consoleOutput(server: Pick<Server, 'id' | 'host'>, lines: number | undefined): Promise<string> {
    const hypervisor = this.#own(server.host)?.hypervisor
    if (!(await hypervisor?.get(server.id))) return ''
    return (await hypervisor?.consoleOutput(server.id, lines === undefined ? {} : { lines })) ?? ''
  }

  async #lookAtAll(): Promise<void> {
    const { state, clock, log } = this.#options
    await this.#register()
    const hosts = new Map([...this.#hosts].filter(([name]) => this.#ownership.isOwn(name)))
    if (hosts.size === 0) return
    const found = () => findWork({ state, hosts, clock, log })
    const { ids, strays } = await state.session(found)
    for (const id of ids) this.#queue.add(id)
    for (const { host, guest } of strays) await this.#endFormerLife(host, guest)
  }

  /** Where there is one process, hosts are registered at the start; where there are several, when they come. */
  async #register(): Promise<void> {
    const { state, clock } = this.#options
    const unregistered = this.#options.hosts.filter(
      ({ name }) => this.#ownership.isOwn(name) && !this.#registered.has(name),
    )
    if (unregistered.length === 0) return
    try {
      await registerHosts(state, this.#ownership, unregistered)
      for (const { name } of unregistered) this.#registered.add(name)
    } catch (error) {
      clock.after(LOOK_AGAIN_MS, () => this.#fullPass.poke())
      throw error
    }
  }

  /** The host of this name, if it is this process's to work on now. */
  #own(hostName: string): ComputeHost | undefined {
    return this.#ownership.isOwn(hostName) ? this.#hosts.get(hostName) : undefined
  }

  /** For reports of a host. */
  #stateFor({ name }: ComputeHost): Reporting {
    return fenced(this.#options.state, this.#ownership, name)
  }

  async #work(id: string): Promise<void> {
    try {
      for (let steps = 0; steps < STEPS_MAX && (await this.#step(id)); steps++);
    } catch (error) {
      this.#options.log.warn({ server: id, err: error }, 'a look at a server failed')
      this.#later(id, LOOK_AGAIN_MS)
    }
  }

  /** Looks and does the next thing; answers whether there may be more to do now. */
  async #step(id: string): Promise<boolean> {
    const { state } = this.#options
    const server = await state
      .selectWithTombstones(scope, servers)
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    const host = server && this.#own(server.host)
    if (!server || !host) return false
    const guest = await host.hypervisor.get(id)
    if (server.deleted_at !== null) return this.#forget(server, host, guest)
    if (!state.isKeptHere(server)) return false
    const step = planServer(server, guest)
    const wish = `${server.intent} ${server.fence} ${server.reboots_wanted}`
    if (step.kind === 'none') return this.#rest(id, wish)
    const waitMs = this.#attempts.waitMs(id, wish)
    if (waitMs > 0) return this.#later(id, waitMs)
    try {
      return await this.#perform(step, server, host, wish)
    } catch (error) {
      return this.#fail(step, server, { host, wish, error })
    }
  }

  /** Answers whether to look again at once. */
  async #perform(step: Step, server: Server, host: ComputeHost, wish: string): Promise<boolean> {
    const { network, configDrives } = this.#options
    const state = this.#stateFor(host)
    const { hypervisor } = host
    const { id, fence } = server
    switch (step.kind) {
      case 'none':
        return false
      case 'start':
        return this.#start(step.reboots, server, host, wish)
      case 'stop': {
        const stop = () => hypervisor.stop(id, { mode: 'soft', graceMs: GRACE_MS })
        return this.#shutDown(id, `stop ${wish}`, stop) !== 'waiting'
      }
      case 'reboot': {
        const reboot = () => hypervisor.reboot(id, { mode: step.mode, graceMs: GRACE_MS })
        if (step.mode === 'hard') await reboot()
        else {
          const outcome = this.#shutDown(id, `reboot ${wish}`, reboot)
          if (outcome !== 'done') return outcome === 'overtaken'
        }
        await reportRebooted(state, id, fence, step.number)
        break
      }
      case 'delete':
        await hypervisor.destroy(id)
        await configDrives.remove(id)
        await completeDeletion(state, id, network)
        break
      case 'report-running':
        await reportRunning(state, id, fence)
        break
      case 'report-stopped':
        await reportStopped(state, id, fence, { byGuest: step.byGuest })
    }
    this.#attempts.passed(id, wish)
    return true
  }

  async #start(reboots: number, server: Server, host: ComputeHost, wish: string): Promise<boolean> {
    const { id, fence } = server
    const { hypervisor } = host
    const prepared = this.#preparations.take(id, wish, () => prepareGuest(server, hypervisor, this.#options))
    if (!prepared) return false
    await hypervisor.start(await guestSpecOf(server, prepared, this.#options))
    this.#attempts.worked(id, wish)
    if (reboots > server.reboots_done) await reportRebooted(this.#stateFor(host), id, fence, reboots)
    return true
  }

  /** Waits for the guest's own shutdown as an errand. `overtaken`: it ended in another way meanwhile. */
  #shutDown(id: string, purpose: string, run: () => Promise<void>): 'waiting' | 'done' | 'overtaken' {
    try {
      const outcome = this.#shutdowns.take(id, purpose, async () => {
        await run()
        return { isDone: true }
      })
      return outcome ? 'done' : 'waiting'
    } catch (error) {
      if (GuestNotFound.is(error) || GuestNotRunning.is(error)) return 'overtaken'
      throw error
    }
  }

  async #fail(
    step: Step,
    server: Server,
    { host, wish, error }: { host: ComputeHost; wish: string; error: unknown },
  ): Promise<false> {
    const { log } = this.#options
    const { id } = server
    const { failures, pauseMs, isGivenUp } = this.#attempts.failed(id, wish, error)
    log.warn({ server: id, step: step.kind, failures, isGivenUp, err: error }, 'a step for a server failed')
    // That the store refuses a report says nothing of the server.
    const isReport = step.kind === 'report-running' || step.kind === 'report-stopped'
    if (isGivenUp && !isReport) await reportError(this.#stateFor(host), id, error)
    // Even after giving up: a deletion and a stop are tried as long as they are wanted.
    return this.#later(id, pauseMs)
  }

  #rest(id: string, wish: string): false {
    this.#preparations.forget(id)
    this.#shutdowns.forget(id)
    this.#attempts.passed(id, wish)
    return false
  }

  /** The server is gone for good; this host may have been away when it went. */
  async #forget({ id }: Server, { hypervisor }: ComputeHost, guest: GuestState | undefined): Promise<false> {
    this.#preparations.forget(id)
    this.#shutdowns.forget(id)
    this.#attempts.forget(id)
    if (!guest) return false
    await hypervisor.destroy(id)
    await this.#options.configDrives.remove(id)
    return false
  }

  /** Ends a guest whose server runs elsewhere by now, under a higher fence. Its disk stays, for an operator to judge. */
  async #endFormerLife({ hypervisor, name }: ComputeHost, { id, fence }: GuestState): Promise<void> {
    this.#options.log.warn({ guest: id, fence, host: name }, 'a guest whose server lives elsewhere is ended')
    await hypervisor.stop(id, { mode: 'hard', graceMs: 0 })
  }

  #later(id: string, delayMs: number): false {
    this.#timers.get(id)?.()
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(id)
      this.#queue.add(id)
    })
    this.#timers.set(id, cancel)
    return false
  }
}
