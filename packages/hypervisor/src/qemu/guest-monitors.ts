/** The connections of a driver to its guests' monitors: one per guest, opened once for all who ask. */

import { type Clock, type Logger, sleep } from '@atoll/kit'
import { HypervisorClosed, QmpDisconnected } from '../errors.ts'
import type { GuestEvent } from '../hypervisor.ts'
import type { GuestDirectory } from './guest-directory.ts'
import { GuestMonitor } from './guest-monitor.ts'
import { isGuestProcess } from './guest-process.ts'

export interface GuestMonitorsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: GuestEvent) => void
  /** A connection has ended: with the process, or by a fault, after which the next `attach` connects again. */
  readonly onDisconnect: (directory: GuestDirectory, pid: number) => void
}

const CONNECT_INTERVAL_MS = 10

export class GuestMonitors {
  readonly #options: GuestMonitorsOptions
  readonly #monitors = new Map<string, Promise<GuestMonitor>>()
  #isClosed = false

  constructor(options: GuestMonitorsOptions) {
    this.#options = options
  }

  /** Tries once. @throws QmpDisconnected @throws QmpTimedOut as `GuestMonitor.attach` does */
  attach(directory: GuestDirectory, pid: number): Promise<GuestMonitor> {
    if (this.#isClosed) throw HypervisorClosed({})
    const { id } = directory
    const present = this.#monitors.get(id)
    if (present) return present
    const { clock, log, onEvent, onDisconnect } = this.#options
    const attaching = GuestMonitor.attach({
      directory,
      pid,
      clock,
      log,
      onEvent: (kind) => onEvent({ id, kind }),
      onDisconnect: () => {
        this.#monitors.delete(id)
        onDisconnect(directory, pid)
      },
    })
    this.#monitors.set(id, attaching)
    attaching.catch(() => this.#monitors.delete(id))
    return attaching
  }

  /** Tries until QEMU answers. Returns undefined when the process has ended instead. */
  async connect(
    directory: GuestDirectory,
    pid: number,
    timeoutMs: number,
  ): Promise<GuestMonitor | undefined> {
    const { clock, log } = this.#options
    const untilMs = clock.monotonicMs() + timeoutMs
    while (await isGuestProcess(pid, directory)) {
      try {
        return await this.attach(directory, pid)
      } catch (error) {
        if (this.#isClosed || clock.monotonicMs() >= untilMs) throw error
        if (!QmpDisconnected.is(error)) log.warn({ guest: directory.id, err: error }, 'QEMU does not answer')
        await sleep(clock, CONNECT_INTERVAL_MS)
      }
    }
    return undefined
  }

  /** Those that are connected now. */
  async connected(): Promise<readonly GuestMonitor[]> {
    const outcomes = await Promise.allSettled(this.#monitors.values())
    return outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const monitor of await this.connected()) monitor.detach()
    this.#monitors.clear()
  }
}
