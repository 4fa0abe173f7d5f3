/** Waits for commits of others: by a subscription, and without one by asking again every second. */

import { type Clock, sleep } from '@atoll/kit'
import type { Position } from '../key-value/key-value-store.ts'
import type { Client } from './redis-connection.ts'

/** No watch lasts longer: a subscription that has died in silence costs so much and no more. */
const LONGEST_MS = 1000

export interface CommitWatcherOptions {
  readonly clock: Clock
  readonly channel: string
  /** A connection of its own, to a node that hears of commits. */
  readonly connect: () => Promise<Client>
  /** Whether the channel lies in a slot of a cluster. */
  readonly isSharded: boolean
}

export class CommitWatcher {
  readonly #options: CommitWatcherOptions
  readonly #waiting = new Set<() => void>()
  #client: Client | undefined
  #subscribing: Promise<void> | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #latest: Position = 0
  #isClosed = false

  constructor(options: CommitWatcherOptions) {
    this.#options = options
  }

  /** Tells what was heard otherwise: the log is at `position`. */
  saw(position: Position): void {
    this.#latest = position
  }

  /** See `KeyValueStore.watch`. */
  async watch(position: Position, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isClosed || this.#latest > position) return
    this.#subscribe()
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.#waiting.add(wake)
    await sleep(this.#options.clock, LONGEST_MS, AbortSignal.any([signal, woken.signal]))
    this.#waiting.delete(wake)
  }

  close(): void {
    this.#isClosed = true
    this.#client?.destroy()
    this.#wakeAll()
  }

  #subscribe(): void {
    const { clock, channel, connect, isSharded } = this.#options
    if (this.#subscribing || clock.monotonicMs() < this.#notBeforeMs) return
    this.#notBeforeMs = clock.monotonicMs() + LONGEST_MS
    const lost = () => {
      this.#client = undefined
      this.#subscribing = undefined
      this.#wakeAll()
    }
    this.#subscribing = (async () => {
      const client = await connect()
      this.#client = client
      client.on('terminated', lost)
      client.on('sharded-channel-moved', () => client.destroy())
      client.on('end', lost)
      if (this.#isClosed) client.destroy()
      const hear = (message: string) => this.#hear(Number(message))
      await (isSharded ? client.sSubscribe(channel, hear) : client.subscribe(channel, hear))
      // Whoever waits may have missed what came before.
      this.#wakeAll()
    })().catch(lost)
  }

  #hear(position: Position): void {
    this.#latest = position
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
