/** Work that waits for the next group: whatever is ready when a group begins shares it. */

export interface WorkQueueOptions<Entry> {
  /** Calls `action` when the requests that are already readable had their turn. `setImmediate` in production. */
  readonly defer: (action: () => void) => void
  /** Bounds the time for which the first of a group waits for the last: the size at which a group is closed. */
  readonly groupMax: number
  /** Callers must not throw from it. The next group begins when this one has ended. */
  readonly runGroup: (group: readonly Entry[]) => Promise<void>
}

export class WorkQueue<Entry> {
  readonly #options: WorkQueueOptions<Entry>
  #waiting: Entry[] = []
  #isScheduled = false
  #idle: Promise<void> = Promise.resolve()

  constructor(options: WorkQueueOptions<Entry>) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.length
  }

  add(entry: Entry): void {
    this.#waiting.push(entry)
    this.#schedule()
  }

  /** For those who have waited before. */
  addFirst(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    this.#waiting = [...entries, ...this.#waiting]
    this.#schedule()
  }

  /** Resolves when nothing is waiting or running. */
  async drained(): Promise<void> {
    while (this.#isScheduled) await this.#idle
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const { defer, groupMax, runGroup } = this.#options
    this.#idle = new Promise((resolve) => {
      defer(() => {
        void runGroup(this.#waiting.splice(0, groupMax)).then(() => {
          this.#isScheduled = false
          if (this.#waiting.length > 0) this.#schedule()
          resolve()
        })
      })
    })
  }
}
