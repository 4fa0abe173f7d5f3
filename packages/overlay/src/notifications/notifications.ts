/**
 * Tells services of this site what changes among the sites: joins, leaves, states, neighbours, distances. Each subscriber
 * is a service of its own under the supervisor: it is started again with a back-off when it fails, and neither its
 * failure nor its slowness reaches the others or the protocols.
 *
 *     protocols ──publish──▶ queue of each subscriber (bounded; of one subject only the latest waits) ──▶ its handler
 */

import type { Service } from '@atoll/kit'
import type { SiteState } from '../faults/member.ts'

export type Notification =
  | { readonly kind: 'joined'; readonly site: string }
  /** `before` is what it was; the age of the new state begins at `sinceMs` on the monotonic clock. */
  | {
      readonly kind: 'state'
      readonly site: string
      readonly state: SiteState
      readonly before: SiteState
      readonly sinceMs: number
    }
  /** The site's next ones on the ring of watchers, nearest first. */
  | { readonly kind: 'neighbours'; readonly sites: readonly string[] }
  | { readonly kind: 'distance'; readonly site: string; readonly rttMs: number }

export interface SubscriptionOptions {
  /** Names the service, in the log and in its errors. */
  readonly name: string
  readonly kinds: readonly Notification['kind'][]
  /** Called with one after the other; a throw ends the run, and the supervisor starts it again. */
  readonly handle: (notification: Notification) => void | Promise<void>
}

/** Subjects that wait for one subscriber; beyond them the oldest is forgotten and `missed` rises. */
const WAITING_MAX = 4096

export class Subscription implements Service {
  readonly name: string
  readonly #options: SubscriptionOptions
  readonly #waiting = new Map<string, Notification>()
  #missed = 0
  #wake: () => void = () => {}

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.name = `subscription of ${options.name}`
  }

  /** How many it will never hear of: it is far too slow, and should read the table instead. */
  get missed(): number {
    return this.#missed
  }

  offer(notification: Notification): void {
    if (!this.#options.kinds.includes(notification.kind)) return
    const subject = 'site' in notification ? `${notification.kind} ${notification.site}` : notification.kind
    // The latest goes to the end, so that what is handled is in the order of what holds.
    this.#waiting.delete(subject)
    this.#waiting.set(subject, notification)
    if (this.#waiting.size > WAITING_MAX) this.#take()
    this.#wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal.aborted) {
        const next = this.#waiting.entries().next().value
        if (next) {
          this.#waiting.delete(next[0])
          await this.#options.handle(next[1])
        } else await this.#idle(signal)
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #take(): void {
    for (const oldest of this.#waiting.keys()) {
      this.#waiting.delete(oldest)
      this.#missed++
      return
    }
  }

  #idle(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (signal.aborted || this.#waiting.size > 0) resolve()
    })
  }
}

export class Notifications {
  readonly #subscriptions = new Set<Subscription>()

  /** Callers start the subscription under a supervisor; `unsubscribe` ends what it is told. */
  subscribe(options: SubscriptionOptions): Subscription {
    const subscription = new Subscription(options)
    this.#subscriptions.add(subscription)
    return subscription
  }

  unsubscribe(subscription: Subscription): void {
    this.#subscriptions.delete(subscription)
  }

  publish(notification: Notification): void {
    for (const subscription of this.#subscriptions) subscription.offer(notification)
  }
}
