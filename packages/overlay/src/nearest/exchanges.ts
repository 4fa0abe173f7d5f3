/** Exchanges under way, and sites that do not answer. Numbers are drawn by chance: who could guess one could answer early. */

import type { Random } from '@atoll/kit'

interface Pending {
  readonly site: string
  readonly startedMs: number
  readonly deadlineMs: number
  /** False when the other site asked. */
  readonly isOurs: boolean
}

export interface ExchangesOptions {
  readonly random: Random
  /** Of those of others, so many are remembered. */
  readonly pendingMax: number
  readonly silentMs: number
}

/** So many times in a row a site may leave us without an answer: datagrams get lost. */
const MISSES_MAX = 2

export class Exchanges {
  readonly #options: ExchangesOptions
  readonly #pending = new Map<number, Pending>()
  /** Those asked that have not answered yet. */
  readonly #asked = new Set<string>()
  readonly #misses = new Map<string, number>()
  readonly #silentUntilMs = new Map<string, number>()

  constructor(options: ExchangesOptions) {
    this.#options = options
  }

  get isWaiting(): boolean {
    return this.#asked.size > 0
  }

  /** Returns the number that the answer must carry. */
  begin(pending: Pending): number {
    const number = this.#options.random.below(0x1_0000_0000)
    this.#pending.set(number, pending)
    if (pending.isOurs) this.#asked.add(pending.site)
    if (this.#pending.size > this.#options.pendingMax)
      this.#remove(this.#pending.keys().next().value ?? number)
    return number
  }

  /** The round trip of the exchange; undefined when it is not under way with that site. */
  end(site: string, number: number, nowMs: number): number | undefined {
    const pending = this.#pending.get(number)
    if (pending?.site !== site) return undefined
    this.#remove(number)
    this.#misses.delete(site)
    this.#silentUntilMs.delete(site)
    return nowMs - pending.startedMs
  }

  /** Gives up what was not answered in time. */
  expire(nowMs: number): void {
    for (const [number, { site, deadlineMs, isOurs }] of this.#pending) {
      if (deadlineMs > nowMs) continue
      this.#remove(number)
      if (isOurs) this.#miss(site, nowMs)
    }
    for (const [site, untilMs] of this.#silentUntilMs) if (untilMs <= nowMs) this.#silentUntilMs.delete(site)
  }

  /** True when the site can be asked now. */
  isFree(site: string): boolean {
    return !this.#asked.has(site) && !this.#silentUntilMs.has(site)
  }

  delete(site: string): void {
    for (const [number, pending] of this.#pending) if (pending.site === site) this.#remove(number)
    this.#misses.delete(site)
    this.#silentUntilMs.delete(site)
  }

  #remove(number: number): void {
    const pending = this.#pending.get(number)
    this.#pending.delete(number)
    if (pending?.isOurs) this.#asked.delete(pending.site)
  }

  #miss(site: string, nowMs: number): void {
    const misses = (this.#misses.get(site) ?? 0) + 1
    this.#misses.set(site, misses)
    if (misses < MISSES_MAX) return
    this.#misses.delete(site)
    this.#silentUntilMs.set(site, nowMs + this.#options.silentMs)
  }
}
