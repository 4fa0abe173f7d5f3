/** Long-running things: one interface, and a supervisor that starts, restarts and stops them. */

import { type Clock, sleep } from './clock.ts'
import type { Logger } from './log.ts'

/** Something that runs until it is told to stop. */
export interface Service {
  readonly name: string
  /**
   * Runs until `signal` aborts, then finishes what it must and returns.
   * Throwing, or returning early, is a failure: the supervisor starts it again after a back-off.
   * Callers must not run one twice at a time.
   */
  run(signal: AbortSignal): Promise<void>
}

export interface SupervisorOptions {
  readonly clock: Clock
  readonly log: Logger
  /** First pause before a restart; doubles up to `backoffMsMax`, starts anew after a run longer than that. */
  readonly backoffMs?: number
  readonly backoffMsMax?: number
}

/** Runs services side by side; the failure of one never touches another. */
export class Supervisor {
  readonly #options: Required<SupervisorOptions>
  readonly #abort = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(options: SupervisorOptions) {
    this.#options = { backoffMs: 100, backoffMsMax: 10_000, ...options }
  }

  start(service: Service): void {
    const supervised = this.#supervise(service).finally(() => this.#running.delete(supervised))
    this.#running.add(supervised)
  }

  /** Tells every service to stop and waits for all of them. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#running)
  }

  async #supervise(service: Service): Promise<void> {
    const { clock, log, backoffMs, backoffMsMax } = this.#options
    const { signal } = this.#abort
    let pauseMs = backoffMs
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs()
      try {
        await service.run(signal)
        if (!signal.aborted)
          log.error({ service: service.name }, 'service returned although nobody stopped it')
      } catch (error) {
        log.error({ service: service.name, err: error }, 'service failed')
      }
      if (signal.aborted) return
      if (clock.monotonicMs() - startedMs > backoffMsMax) pauseMs = backoffMs
      await sleep(clock, pauseMs, signal)
      pauseMs = Math.min(pauseMs * 2, backoffMsMax)
    }
  }
}
