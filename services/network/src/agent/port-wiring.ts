/** Where the compute agent learns the tap of a port: at once when it is wired, else as soon as it is. */

import type { CancelTimer, Clock } from '@atoll/kit'
import { PortNotWired } from '../errors.ts'

/** A port that is not wired by then is a failure of the host, not a slow one. */
export const WIRING_TIMEOUT_MS = 30_000

export interface PortWiring {
  /**
   * Name of the tap device of a port of one of the agent's hosts.
   * @throws PortNotWired after `timeoutMs`
   */
  tapOf(portId: string, timeoutMs?: number): Promise<string>
}

interface Waiter {
  readonly resolve: (tap: string) => void
  readonly cancel: CancelTimer
}

/** The taps that an agent has wired, and who waits for more. */
export class WiredPorts implements PortWiring {
  readonly #clock: Clock
  readonly #taps = new Map<string, string>()
  readonly #waiters = new Map<string, Set<Waiter>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  tapOf(portId: string, timeoutMs = WIRING_TIMEOUT_MS): Promise<string> {
    const tap = this.#taps.get(portId)
    if (tap !== undefined) return Promise.resolve(tap)
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(portId) ?? new Set()
      const cancel = this.#clock.after(timeoutMs, () => {
        waiters.delete(waiter)
        if (waiters.size === 0) this.#waiters.delete(portId)
        reject(PortNotWired({ id: portId, timeoutMs }))
      })
      const waiter: Waiter = { resolve, cancel }
      waiters.add(waiter)
      this.#waiters.set(portId, waiters)
    })
  }

  wired(portId: string, tap: string): void {
    this.#taps.set(portId, tap)
    for (const { resolve, cancel } of this.#waiters.get(portId) ?? []) {
      cancel()
      resolve(tap)
    }
    this.#waiters.delete(portId)
  }

  unwired(portId: string): void {
    this.#taps.delete(portId)
  }
}
