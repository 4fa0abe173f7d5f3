/**
 * A host that exists only in memory: what goes on when the peer on it dies. The simulator keeps the machine and
 * opens a new driver over it. A guest costs some hundred bytes; its console text is computed when somebody reads.
 */

import type { CancelTimer, Clock, Random } from '@atoll/kit'
import { fraction } from '@atoll/kit'
import type { GuestEventKind, GuestListener, GuestPower, GuestSpec, HostResources } from '../hypervisor.ts'
import { consoleText } from './console-text.ts'

export interface SimulatedMachineOptions {
  readonly clock: Clock
  readonly random: Random
  readonly resources?: Partial<HostResources>
  /** From start to the login prompt; each boot takes between 75 % and 125 % of it. */
  readonly bootMs?: number
  /** From the power button to power off, for a guest that has booted; varies as `bootMs` does. */
  readonly shutdownMs?: number
}

/** The state of a simulated guest; only the machine changes it. */
export interface SimulatedGuest {
  readonly id: string
  readonly spec: GuestSpec | undefined
  readonly name: string
  readonly fence: number
  readonly power: GuestPower
  readonly pid: number
  readonly bootCount: number
  readonly bootedMs: number
  /** How long this boot takes to the login prompt. */
  readonly bootMs: number
  /** When the guest last stopped running. */
  readonly endedMs: number | undefined
}

const RESOURCES: HostResources = Object.freeze({
  hypervisorType: 'simulated',
  hypervisorVersion: 1_000_000,
  accelerator: 'simulated',
  acceleratorReason: 'guests of this host are simulated',
  vcpus: 16,
  ramMib: 65_536,
  diskBytes: 1024 ** 4,
})
const PID_FIRST = 1_000

export class SimulatedMachine {
  readonly resources: HostResources
  readonly #options: Required<SimulatedMachineOptions>
  readonly #guests = new Map<string, SimulatedGuest>()
  readonly #shutdowns = new Map<string, CancelTimer>()
  readonly #deaf = new Set<string>()
  readonly #listeners = new Set<GuestListener>()
  #startFailure: string | undefined
  #pidNext = PID_FIRST

  constructor(options: SimulatedMachineOptions) {
    this.#options = { bootMs: 5_000, shutdownMs: 1_000, resources: {}, ...options }
    this.resources = Object.freeze({ ...RESOURCES, ...options.resources })
  }

  guest(id: string): SimulatedGuest | undefined {
    return this.#guests.get(id)
  }

  /** In order of id. */
  guests(): readonly SimulatedGuest[] {
    return [...this.#guests.values()].sort((left, right) => (left.id < right.id ? -1 : 1))
  }

  subscribe(listener: GuestListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What the guest has printed by now. */
  consoleText(guest: SimulatedGuest): string {
    const untilMs = guest.endedMs ?? this.#options.clock.monotonicMs()
    return consoleText(guest, untilMs - guest.bootedMs)
  }

  // Fault switches, for tests and the simulator.

  /** The next start of any guest fails, once. */
  failNextStart(reason = 'the simulated host refuses'): void {
    this.#startFailure = reason
  }

  /** The guest ends as if its process were killed. */
  crash(id: string): void {
    this.#endIfUp(id, 'crashed')
  }

  /** The guest shuts itself down, at once. */
  shutDownFromInside(id: string): void {
    this.#endIfUp(id, 'shutdown')
  }

  /** From now on the guest does not hear its power button; it need not exist yet. */
  deafen(id: string): void {
    this.#deaf.add(id)
  }

  pause(id: string): void {
    const guest = this.#guests.get(id)
    if (guest?.power === 'running') this.#change(guest, { power: 'paused' }, 'paused')
  }

  /** All guests end at once, and nobody is told: the peer on the host is gone, too. */
  losePower(): void {
    for (const guest of this.#guests.values()) if (isUp(guest)) this.#end(guest, 'crashed')
  }

  // What the driver does; it checks the contracts.

  /** Keeps the guest and its fence, without running it. */
  define(spec: GuestSpec): SimulatedGuest {
    const { id, name, fence } = spec
    const known = this.#guests.get(id) ?? UNBORN
    const guest: SimulatedGuest = { ...known, id, name, fence, spec }
    this.#guests.set(id, guest)
    return guest
  }

  /** Returns why the start failed, or undefined when the guest runs. */
  boot(guest: SimulatedGuest): string | undefined {
    const failure = this.#startFailure
    this.#startFailure = undefined
    if (failure === undefined)
      this.#change(guest, { ...this.#freshBoot(guest), pid: this.#pidNext++ }, 'started')
    return failure
  }

  /** Never fails; the result is that of `boot`. */
  reset(guest: SimulatedGuest): undefined {
    this.#cancelShutdown(guest.id)
    this.#change(guest, this.#freshBoot(guest), 'rebooted')
  }

  resume(guest: SimulatedGuest): void {
    this.#change(guest, { power: 'running' }, 'resumed')
  }

  powerOff(id: string): void {
    const guest = this.#guests.get(id)
    if (guest?.power === 'crashed') this.#guests.set(id, { ...guest, power: 'shutdown' })
    this.#endIfUp(id, 'shutdown')
  }

  /**
   * An obedient guest that has booted calls `whenDown` after its shutdown time, if it still runs then; its caller
   * turns it off or boots it again. Pressing twice does not hasten it, and the later caller is the one called.
   */
  pressPowerButton(guest: SimulatedGuest, whenDown: () => void): void {
    const { clock } = this.#options
    const isBooted = clock.monotonicMs() - guest.bootedMs >= guest.bootMs
    if (this.#deaf.has(guest.id) || guest.power !== 'running' || !isBooted) return
    this.#cancelShutdown(guest.id)
    const cancel = clock.after(this.#vary(this.#options.shutdownMs), () => {
      this.#shutdowns.delete(guest.id)
      whenDown()
    })
    this.#shutdowns.set(guest.id, cancel)
  }

  remove(id: string): void {
    this.#cancelShutdown(id)
    this.#guests.delete(id)
    this.#deaf.delete(id)
  }

  #freshBoot(guest: SimulatedGuest): Partial<SimulatedGuest> {
    return {
      power: 'running',
      bootCount: guest.bootCount + 1,
      bootedMs: this.#options.clock.monotonicMs(),
      bootMs: this.#vary(this.#options.bootMs),
      endedMs: undefined,
    }
  }

  #endIfUp(id: string, power: 'shutdown' | 'crashed'): void {
    const guest = this.#guests.get(id)
    if (!guest || !isUp(guest)) return
    this.#end(guest, power)
    this.#emit(id, power)
  }

  #end(guest: SimulatedGuest, power: 'shutdown' | 'crashed'): void {
    this.#cancelShutdown(guest.id)
    this.#guests.set(guest.id, { ...guest, power, endedMs: this.#options.clock.monotonicMs() })
  }

  #change(guest: SimulatedGuest, change: Partial<SimulatedGuest>, kind: GuestEventKind): void {
    this.#guests.set(guest.id, { ...guest, ...change })
    this.#emit(guest.id, kind)
  }

  #emit(id: string, kind: GuestEventKind): void {
    for (const listener of [...this.#listeners]) listener({ id, kind })
  }

  #cancelShutdown(id: string): void {
    this.#shutdowns.get(id)?.()
    this.#shutdowns.delete(id)
  }

  #vary(durationMs: number): number {
    return Math.round(durationMs * (0.75 + fraction(this.#options.random) / 2))
  }
}

/** True for a guest that has its process. */
export function isUp({ power }: SimulatedGuest): boolean {
  return power === 'running' || power === 'paused'
}

const UNBORN: SimulatedGuest = Object.freeze({
  id: '',
  spec: undefined,
  name: '',
  fence: 0,
  power: 'shutdown',
  pid: 0,
  bootCount: 0,
  bootedMs: 0,
  bootMs: 0,
  endedMs: 0,
})
