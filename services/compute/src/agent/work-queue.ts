/** Work by key: at most one at a time for each, at most so many at once, and a key named during its own work comes again. */

export interface WorkQueueOptions {
  readonly concurrencyMax: number
  /** Must not throw. */
  readonly work: (key: string) => Promise<void>
}

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #waiting = new Set<string>()
  readonly #running = new Set<string>()
  #isStopped = false
  #idle: (() => void)[] = []

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  add(key: string): void {
    if (this.#isStopped) return
    this.#waiting.add(key)
    this.#startMore()
  }

  /** Takes no more work, and resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#waiting.clear()
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #startMore(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrencyMax) return
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      this.#running.add(key)
      void this.#options.work(key).finally(() => this.#finish(key))
    }
  }

  #finish(key: string): void {
    this.#running.delete(key)
    this.#startMore()
    if (this.#running.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
