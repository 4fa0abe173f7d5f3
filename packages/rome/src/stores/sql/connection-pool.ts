/** A bounded set of connections: those that are idle are used again, those that were lost are replaced. */

import { type Clock, TooBusy } from '@atoll/kit'
import { StoreUnavailable } from '../../errors.ts'

export interface Pooled {
  readonly isUsable: boolean
  destroy(): void
}

export interface ConnectionPoolOptions<Connection extends Pooled> {
  readonly description: string
  readonly clock: Clock
  readonly connect: () => Promise<Connection>
  readonly connectionsMax: number
  /** How many may wait for one. One more is refused with `TooBusy` at once. */
  readonly waitingMax: number
  /** How long one waits at most: the server is slow, and so will be whatever comes next. */
  readonly waitMsMax: number
}

interface Waiter<Connection> {
  resolve(connection: Connection): void
  reject(error: unknown): void
  readonly cancelTimer: () => void
}

export class ConnectionPool<Connection extends Pooled> {
  readonly #options: ConnectionPoolOptions<Connection>
  readonly #idle: Connection[] = []
  readonly #waiting: Waiter<Connection>[] = []
  readonly #drained: (() => void)[] = []
  #open = 0
  #isClosed = false

  constructor(options: ConnectionPoolOptions<Connection>) {
    this.#options = options
  }

  /** Callers must release what they got. @throws TooBusy, StoreUnavailable */
  async acquire(): Promise<Connection> {
    const { description, connectionsMax, waitingMax, waitMsMax, clock } = this.#options
    if (this.#isClosed) throw StoreUnavailable({ path: description, reason: 'it was closed.' })
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.isUsable) return idle
      this.#drop(idle)
    }
    if (this.#open < connectionsMax) return this.#connect()
    if (this.#waiting.length >= waitingMax) throw TooBusy({ what: 'the store' }, { retryAfterMs: 1000 })
    return new Promise((resolve, reject) => {
      const cancelTimer = clock.after(waitMsMax, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        const reason = `none of its ${connectionsMax} sessions was free within ${waitMsMax} ms.`
        reject(StoreUnavailable({ path: description, reason }))
      })
      const waiter: Waiter<Connection> = { resolve, reject, cancelTimer }
      this.#waiting.push(waiter)
    })
  }

  release(connection: Connection): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter.cancelTimer()
    if (connection.isUsable && !this.#isClosed) {
      if (waiter) waiter.resolve(connection)
      else this.#idle.push(connection)
      return
    }
    this.#drop(connection)
    if (waiter) this.#connect().then(waiter.resolve, waiter.reject)
  }

  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = await this.acquire()
    try {
      return await work(connection)
    } finally {
      this.release(connection)
    }
  }

  /** Waits for what is in use, then releases everything. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const idle of this.#idle.splice(0)) this.#drop(idle)
    if (this.#open > 0) await new Promise<void>((resolve) => this.#drained.push(resolve))
  }

  async #connect(): Promise<Connection> {
    this.#open++
    try {
      return await this.#options.connect()
    } catch (error) {
      this.#closeOne()
      // Whoever waits for this place must not wait for a server that is not there.
      const waiter = this.#waiting.shift()
      waiter?.cancelTimer()
      waiter?.reject(error)
      throw error
    }
  }

  #drop(connection: Connection): void {
    connection.destroy()
    this.#closeOne()
  }

  #closeOne(): void {
    this.#open--
    if (this.#open === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }
}
