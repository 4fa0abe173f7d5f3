/** A driver over a simulated machine, with the contracts of the real one and no real time, process or file. */

import type { Clock, Logger } from '@atoll/kit'
import { silentLogger } from '@atoll/kit'
import { GuestNotFound, GuestNotRunning, GuestStartFailed, HypervisorClosed, StaleFence } from '../errors.ts'
import { GuestListeners } from '../guest-listeners.ts'
import {
  CONSOLE_BYTES_MAX,
  type ConsoleOptions,
  type GuestListener,
  type GuestSpec,
  type GuestState,
  type HostResources,
  type Hypervisor,
  type StopOptions,
} from '../hypervisor.ts'
import { lastLines } from '../last-lines.ts'
import { isUp, type SimulatedGuest, type SimulatedMachine } from './simulated-machine.ts'

export interface SimulatedHypervisorOptions {
  readonly machine: SimulatedMachine
  readonly clock: Clock
  readonly log?: Logger
}

export class SimulatedHypervisor implements Hypervisor {
  readonly kind = 'simulated'
  readonly #machine: SimulatedMachine
  readonly #clock: Clock
  readonly #listeners: GuestListeners
  readonly #leaveMachine: () => void
  #isClosed = false

  constructor({ machine, clock, log = silentLogger }: SimulatedHypervisorOptions) {
    this.#machine = machine
    this.#clock = clock
    this.#listeners = new GuestListeners(log)
    this.#leaveMachine = machine.subscribe((event) => this.#listeners.emit(event))
  }

  async describe(): Promise<HostResources> {
    this.#assertOpen()
    return this.#machine.resources
  }

  async list(): Promise<readonly GuestState[]> {
    this.#assertOpen()
    return this.#machine.guests().map(stateOf)
  }

  async get(id: string): Promise<GuestState | undefined> {
    this.#assertOpen()
    const guest = this.#machine.guest(id)
    return guest && stateOf(guest)
  }

  async specOf(id: string): Promise<GuestSpec | undefined> {
    this.#assertOpen()
    return this.#machine.guest(id)?.spec
  }

  async start(spec: GuestSpec): Promise<void> {
    this.#assertOpen()
    const { id, fence } = spec
    const known = this.#machine.guest(id)
    if (known && fence < known.fence) throw StaleFence({ id, fence, fenceKnown: known.fence })
    const guest = this.#machine.define(spec)
    if (guest.power === 'paused') this.#machine.resume(guest)
    if (isUp(guest)) return
    const failure = this.#machine.boot(guest)
    if (failure !== undefined) throw GuestStartFailed({ id, reason: failure })
  }

  async stop(id: string, { mode, graceMs }: StopOptions): Promise<void> {
    const { pid, power } = this.#findGuest(id)
    if (mode === 'soft' && power === 'running') {
      const machine = this.#machine
      await this.#waitForShutdown(id, graceMs, () => machine.powerOff(id))
      // The guest has been started again since, or destroyed.
      if (machine.guest(id)?.pid !== pid) return
    }
    this.#machine.powerOff(id)
  }

  async reboot(id: string, { mode, graceMs }: StopOptions): Promise<void> {
    const { pid, power, bootCount } = this.#findGuest(id)
    if (mode === 'soft') {
      if (power !== 'running') throw GuestNotRunning({ id })
      await this.#waitForShutdown(id, graceMs)
      const present = this.#machine.guest(id)
      if (!present || !isUp(present) || present.pid !== pid) throw GuestNotRunning({ id })
      if (present.bootCount !== bootCount) return
    }
    this.#resetOrBoot(this.#findGuest(id))
  }

  async destroy(id: string): Promise<void> {
    this.#assertOpen()
    this.#machine.remove(id)
  }

  async consoleOutput(id: string, { lines }: ConsoleOptions = {}): Promise<string> {
    const text = this.#machine.consoleText(this.#findGuest(id)).slice(-CONSOLE_BYTES_MAX)
    return lines === undefined ? text : lastLines(text, lines)
  }

  subscribe(listener: GuestListener): () => void {
    return this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#leaveMachine()
    this.#listeners.clear()
  }

  /** Presses the power button; resolves when the guest is down, has ended otherwise, or `graceMs` are over. */
  #waitForShutdown(id: string, graceMs: number, whenDown = () => {}): Promise<void> {
    const guest = this.#findGuest(id)
    return new Promise((resolve, reject) => {
      const finish = () => {
        cancelTimer()
        unsubscribe()
        if (this.#isClosed) reject(HypervisorClosed({}))
        else resolve()
      }
      const cancelTimer = this.#clock.after(graceMs, finish)
      const unsubscribe = this.#machine.subscribe((event) => {
        if (event.id === id && event.kind !== 'paused' && event.kind !== 'resumed') finish()
      })
      this.#machine.pressPowerButton(guest, () => {
        whenDown()
        finish()
      })
    })
  }

  #resetOrBoot(guest: SimulatedGuest): void {
    const failure = isUp(guest) ? this.#machine.reset(guest) : this.#machine.boot(guest)
    if (failure !== undefined) throw GuestStartFailed({ id: guest.id, reason: failure })
  }

  #findGuest(id: string): SimulatedGuest {
    this.#assertOpen()
    const guest = this.#machine.guest(id)
    if (!guest) throw GuestNotFound({ id })
    return guest
  }

  #assertOpen(): void {
    if (this.#isClosed) throw HypervisorClosed({})
  }
}

function stateOf(guest: SimulatedGuest): GuestState {
  const { id, fence, power, pid } = guest
  return isUp(guest) ? { id, fence, power, pid } : { id, fence, power }
}
