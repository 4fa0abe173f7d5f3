/** Hears of commits by etcd's watch of the head, and asks once a second in case that a stream has died in silence. */

import { type Clock, sleep } from '@atoll/kit'
import type { Position } from '../key-value/key-value-store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { type Encoded, fromBase64, type WatchMessage } from './etcd-messages.ts'

export interface HeadWatchOptions {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly key: Encoded
  readonly parse: (value: string) => Position
  /** The position now, asked of the store. */
  readonly ask: () => Promise<Position>
}

const ASK_EVERY_MS = 900
const PAUSE_MS = 200

export class HeadWatch {
  readonly #options: HeadWatchOptions
  readonly #waiting = new Set<{ readonly after: Position; readonly wake: () => void }>()
  readonly #closing = new AbortController()
  #running: Promise<unknown> | undefined
  #latest: Position = 0

  constructor(options: HeadWatchOptions) {
    this.#options = options
  }

  /** Whoever waits for less is woken. */
  saw(position: Position): void {
    this.#latest = position
    for (const waiter of [...this.#waiting]) if (position > waiter.after) waiter.wake()
  }

  /** Resolves when the head is behind `after`, or `signal` aborts, or at close. */
  watch(after: Position, signal: AbortSignal): Promise<void> {
    if (this.#latest > after || signal.aborted || this.#closing.signal.aborted) return Promise.resolve()
    this.#running ??= Promise.all([this.#follow(this.#closing.signal), this.#ask(this.#closing.signal)])
    return new Promise((resolve) => {
      const waiter = {
        after,
        wake: () => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', waiter.wake)
          resolve()
        },
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', waiter.wake)
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const { wake } of [...this.#waiting]) wake()
    await this.#running
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { client, clock, key, parse } = this.#options
    while (!signal.aborted) {
      try {
        for await (const line of client.stream('/v3/watch', { create_request: { key } }, signal)) {
          const { result } = JSON.parse(line) as WatchMessage
          for (const { kv } of result?.events ?? []) if (kv) this.saw(parse(fromBase64(kv.value)))
          if (result?.canceled) break
        }
      } catch {
        // The member has gone, or the watch was ended: the question below bridges the gap.
        if (!signal.aborted) client.suspect()
      }
      await sleep(clock, PAUSE_MS, signal)
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { ask, clock } = this.#options
    while (!signal.aborted) {
      if (this.#waiting.size > 0) this.saw(await ask().catch(() => this.#latest))
      await sleep(clock, ASK_EVERY_MS, signal)
    }
  }
}
