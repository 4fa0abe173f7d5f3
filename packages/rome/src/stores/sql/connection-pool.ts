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
  /** Whether a server refused one connection more, as it has as many as it may: those that there are go on. */
  readonly isCrowded?: (error: unknown) => boolean
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

/** A server that had no place is not asked for one again before. */
const CROWDED_MS = 1000

export class ConnectionPool<Connection extends Pooled> {
  readonly #options: ConnectionPoolOptions<Connection>
  readonly #idle: Connection[] = []
  readonly #waiting: Waiter<Connection>[] = []
  readonly #drained: (() => void)[] = []
  /** With those that are being made. */
  #open = 0
  #established = 0
  #crowdedUntilMs = Number.NEGATIVE_INFINITY
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
    const isCrowded = this.#established > 0 && clock.monotonicMs() < this.#crowdedUntilMs
    if (this.#open < connectionsMax && !isCrowded) {
      try {
        return await this.#connect()
      } catch (error) {
        if (!this.#isMerelyCrowded(error)) throw error
        // One may have become free meanwhile.
        return this.acquire()
      }
    }
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

  /** Makes sure of one that is there to be waited for, whatever place the server has later. @throws as `acquire` */
  async warm(): Promise<void> {
    this.release(await this.acquire())
  }

  release(connection: Connection): void {
    if (connection.isUsable && !this.#isClosed) {
      const waiter = this.#waiting.shift()
      waiter?.cancelTimer()
      if (waiter) waiter.resolve(connection)
      else this.#idle.push(connection)
      return
    }
    this.#drop(connection)
    // Who waits hears of a failure from there.
    if (this.#waiting.length > 0)
      this.#connect().then(
        (fresh) => this.release(fresh),
        () => {},
      )
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
      const connection = await this.#options.connect()
      this.#established++
      return connection
    } catch (error) {
      this.#closeOne()
      if (this.#isMerelyCrowded(error)) this.#crowdedUntilMs = this.#options.clock.monotonicMs() + CROWDED_MS
      // Whoever waits for this place, or for any, must not wait for a server that is not there.
      else this.#reject(error, this.#open === 0 ? this.#waiting.length : 1)
      throw error
    }
  }

  #reject(error: unknown, count: number): void {
    for (const waiter of this.#waiting.splice(0, count)) {
      waiter.cancelTimer()
      waiter.reject(error)
    }
  }

  /** Some are open, which will be free. */
  #isMerelyCrowded(error: unknown): boolean {
    return this.#established > 0 && this.#options.isCrowded?.(error) === true
  }

  #drop(connection: Connection): void {
    connection.destroy()
    this.#established--
    this.#closeOne()
  }

  #closeOne(): void {
    this.#open--
    if (this.#open === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }
}
