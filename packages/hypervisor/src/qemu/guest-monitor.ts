/** One guest's QEMU seen through its monitor: its power, kept up to date by events, and the buttons of its case. */

import type { Clock, Logger } from '@atoll/kit'
import type { GuestEventKind, GuestPower } from '../hypervisor.ts'
import type { GuestDirectory } from './guest-directory.ts'
import { CONSOLE_DEVICE_ID } from './qemu-arguments.ts'
import { QmpClient, type QmpEvent } from './qmp-client.ts'

export interface MonitorOptions {
  readonly directory: GuestDirectory
  readonly pid: number
  readonly clock: Clock
  readonly log: Logger
  /** Hears what the guest does of itself, or at our word. */
  readonly onEvent: (kind: GuestEventKind) => void
  /** The process ends, or the connection broke; not called after `detach`. */
  readonly onDisconnect: () => void
}

/** How a wait for the guest's own shutdown ended. `reset`: it boots again already. */
export type ShutdownOutcome = 'shutdown' | 'reset' | 'disconnected' | 'timeout'

/** A monitor in use by another client must not delay a list for long. */
const OPEN_TIMEOUT_MS = 2_000
const QUIT_TIMEOUT_MS = 2_000

export class GuestMonitor {
  readonly directory: GuestDirectory
  readonly pid: number
  readonly #options: MonitorOptions
  readonly #client: QmpClient
  #power: GuestPower = 'running'
  #isAttached = false
  #isRebooting = false
  #finishWait: ((outcome: ShutdownOutcome) => void) | undefined

  private constructor(options: MonitorOptions) {
    this.directory = options.directory
    this.pid = options.pid
    this.#options = options
    const { directory, clock } = options
    this.#client = new QmpClient({ path: directory.socketPath, clock, timeoutMs: OPEN_TIMEOUT_MS })
    this.#client.subscribe((event) => this.#hear(event))
  }

  /** @throws QmpDisconnected when QEMU does not listen (yet) @throws QmpTimedOut when it serves another client */
  static async attach(options: MonitorOptions): Promise<GuestMonitor> {
    const monitor = new GuestMonitor(options)
    try {
      await monitor.#client.open()
      await monitor.#adopt()
      monitor.#isAttached = true
      return monitor
    } catch (error) {
      monitor.detach()
      throw error
    }
  }

  get power(): GuestPower {
    return this.#power
  }

  /** Lets go of the guest, which runs on; raises nothing any more. */
  detach(): void {
    this.#isAttached = false
    this.#client.close()
  }

  /** Makes a paused guest run. */
  async resume(): Promise<void> {
    await this.#client.execute('cont', {})
  }

  async reset(): Promise<void> {
    await this.#client.execute('system_reset', {})
    // A reset leaves a stopped machine stopped.
    await this.#client.execute('cont', {})
  }

  /** Presses the power button; the guest, if it obeys, ends its QEMU. */
  async pressPowerButton(): Promise<void> {
    await this.#client.execute('set-action', { shutdown: 'poweroff' })
    await this.#client.execute('system_powerdown', {})
  }

  /** Ends QEMU. The reply may be lost with the process, so that callers must watch the process instead. */
  async quit(): Promise<void> {
    await this.#client.execute('quit', {}, { timeoutMs: QUIT_TIMEOUT_MS })
  }

  /**
   * Presses the power button, with QEMU told to stay when the guest is down, and waits for that. libvirt reboots
   * guests in this way: the process stays, so that nobody takes the moment between for a shutdown.
   */
  async shutDownForReboot(graceMs: number): Promise<ShutdownOutcome> {
    this.#isRebooting = true
    const outcome = this.#waitForShutdown(graceMs)
    try {
      await this.#client.execute('set-action', { shutdown: 'pause' })
      await this.#client.execute('system_powerdown', {})
    } catch (error) {
      this.#finishWait?.('disconnected')
      this.#isRebooting = false
      throw error
    }
    return outcome
  }

  /** The second half of a soft reboot. */
  async bootAgain(): Promise<void> {
    await this.#client.execute('set-action', { shutdown: 'poweroff' })
    await this.reset()
    this.#isRebooting = false
    await this.#refresh()
  }

  /** The second half of a soft reboot that something else has performed. */
  async keepRunning(): Promise<void> {
    await this.#client.execute('set-action', { shutdown: 'poweroff' })
    this.#isRebooting = false
    await this.#refresh()
    // The guest may have heard the power button after all, and be down by now.
    if (this.#power === 'shutdown') await this.bootAgain()
  }

  async reopenConsole(): Promise<void> {
    const data = { out: this.#options.directory.consolePath, append: true }
    await this.#client.execute('chardev-change', { id: CONSOLE_DEVICE_ID, backend: { type: 'file', data } })
  }

  /** A machine that is down but has its QEMU is in a soft reboot whose peer died: this finishes it. */
  async #adopt(): Promise<void> {
    await this.#client.execute('set-action', { shutdown: 'poweroff' })
    await this.#refresh()
    if (this.#power === 'shutdown') await this.bootAgain()
  }

  async #refresh(): Promise<void> {
    const { status } = await this.#client.execute('query-status', {})
    this.#power = POWER_OF_RUN_STATE[status] ?? 'paused'
  }

  #waitForShutdown(graceMs: number): Promise<ShutdownOutcome> {
    return new Promise((resolve) => {
      const finish = (outcome: ShutdownOutcome) => {
        cancelTimer()
        this.#finishWait = undefined
        resolve(outcome)
      }
      const cancelTimer = this.#options.clock.after(graceMs, () => finish('timeout'))
      this.#finishWait = finish
    })
  }

  #hear(event: QmpEvent): void {
    if (event.kind === 'disconnected') {
      this.#finishWait?.('disconnected')
      if (this.#isAttached) this.#options.onDisconnect()
      return
    }
    if (!this.#isAttached) return
    switch (event.name) {
      case 'SHUTDOWN':
        this.#finishWait?.('shutdown')
        return
      case 'RESET':
        this.#finishWait?.('reset')
        this.#options.onEvent('rebooted')
        return
      case 'STOP':
      case 'RESUME':
        void this.#lookAgain()
    }
  }

  /** The events tell that the state has changed, not to what: a machine stops for a pause and for a failure. */
  async #lookAgain(): Promise<void> {
    const before = this.#power
    try {
      // The stop between the halves of a soft reboot is nobody's business.
      if (!this.#isRebooting) await this.#refresh()
    } catch (error) {
      // A lost connection is reported by itself, a slow QEMU keeps its last known power.
      this.#options.log.debug({ guest: this.#options.directory.id, err: error }, 'power not known')
    }
    const kind = EVENT_OF_POWER[this.#power]
    if (kind !== undefined && this.#power !== before) this.#options.onEvent(kind)
  }
}

const EVENT_OF_POWER: Readonly<Record<GuestPower, GuestEventKind | undefined>> = {
  running: 'resumed',
  paused: 'paused',
  crashed: 'crashed',
  // Told by the end of the process.
  shutdown: undefined,
}

/** Every other state is some standstill from which `cont` leads out: `paused`, `io-error`, `watchdog` … */
const POWER_OF_RUN_STATE: Readonly<Record<string, GuestPower>> = {
  running: 'running',
  shutdown: 'shutdown',
  'guest-panicked': 'crashed',
  'internal-error': 'crashed',
}
