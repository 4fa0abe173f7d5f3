/**
 * Who was refused often asks the others for a turn, in the log, and they let it go first: a peer that is far from the store
 * would otherwise never be the first to write a row that those nearby write all the time. Turns are taken in the order in
 * which they were asked for. They bind nobody: whoever does not wait, or waits in vain, breaks no promise.
 */

import { type Clock, sleep } from '@atoll/kit'
import type { Change, KeyValueStore, LogEntry, SpaceKey } from '../stores/key-value/key-value-store.ts'
import type { Looks } from './looks.ts'
import type { OpenTransaction } from './open-transaction.ts'

/** Stands where the name of a table would, in what a commit announces. */
const TURN = 'rome.turn'
/** Keys beyond these matter little: what is contended is one row or two. */
const KEYS_MAX = 16
const WAIT_MS_MAX = 1000
/** After how many refusals to ask, at first; sooner after it had to be done, later again when all goes well. */
const REFUSALS_MAX = 8
const REFUSALS_MIN = 2

interface Turn {
  readonly owner: string
  readonly keys: readonly SpaceKey[]
  readonly untilMs: number
}

export interface TurnsOptions {
  readonly store: KeyValueStore
  readonly looks: Looks
  readonly clock: Clock
  /** What the ids of this peer's commits begin with. */
  readonly owner: string
}

export class Turns {
  readonly #options: TurnsOptions
  /** In the order of the log. */
  #turns: Turn[] = []
  #refusalsMax = REFUSALS_MAX
  /** The keys by which this peer was refused last. */
  #contended: readonly SpaceKey[] = []

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Hears of every commit, in order; null when some will never be known. */
  hear(entry: LogEntry | null): void {
    if (!entry) {
      this.#turns = []
      return
    }
    const owner = ownerOf(entry.id)
    const asked = entry.changes.find(({ table }) => table === TURN)
    if (this.#turns.length > 0) this.#turns = this.#turns.filter((turn) => turn.owner !== owner)
    if (!asked) return
    const { keys, waitMs } = JSON.parse(asked.id) as { keys: SpaceKey[]; waitMs: number }
    this.#turns.push({
      owner,
      keys,
      untilMs: this.#options.clock.monotonicMs() + Math.min(waitMs, WAIT_MS_MAX),
    })
  }

  /** Notes by what a transaction was refused: some of `entries`. */
  refusedBy(entries: readonly LogEntry[], { reads }: OpenTransaction): void {
    const writes = entries.flatMap((entry) => entry.writes)
    const touched = writes.filter((write) => reads.isTouchedBy({ writes: [write] }))
    if (touched.length > 0)
      this.#contended = touched.slice(0, KEYS_MAX).map(({ space, key }) => ({ space, key }))
  }

  /** What to announce in order to have the next turn; undefined as long as patience will do. */
  ask(refusals: number, { roundTripMs }: { readonly roundTripMs: number }): Change | undefined {
    const isAsked = this.#turns.some(({ owner }) => owner === this.#options.owner)
    if (refusals < this.#refusalsMax || isAsked || this.#contended.length === 0) return undefined
    this.#refusalsMax = Math.max(REFUSALS_MIN, Math.floor(this.#refusalsMax / 2))
    const waitMs = Math.min(WAIT_MS_MAX, Math.ceil(10 + 4 * roundTripMs))
    return { table: TURN, id: JSON.stringify({ keys: this.#contended, waitMs }) }
  }

  /** To be called when a commit was not refused. */
  wentWell(): void {
    this.#refusalsMax = Math.min(REFUSALS_MAX, this.#refusalsMax + 1)
  }

  /** Whether somebody else has the turn before this transaction; by then it is over. */
  async letOthersGo(transaction: OpenTransaction): Promise<boolean> {
    if (!this.#before(transaction)) return false
    const { store, looks, clock } = this.#options
    for (let turn = this.#before(transaction); turn; turn = this.#before(transaction)) {
      const over = new AbortController()
      const cancel = clock.after(Math.max(0, turn.untilMs - clock.monotonicMs()), () => over.abort())
      await looks.look()
      if (this.#turns.includes(turn))
        await store.watch(looks.position, over.signal).catch(() => sleep(clock, 10))
      cancel()
    }
    return true
  }

  #before(transaction: OpenTransaction): Turn | undefined {
    if (this.#turns.length === 0) return undefined
    const nowMs = this.#options.clock.monotonicMs()
    this.#turns = this.#turns.filter(({ untilMs }) => untilMs > nowMs)
    const own = this.#turns.findIndex(({ owner }) => owner === this.#options.owner)
    const before = own < 0 ? this.#turns : this.#turns.slice(0, own)
    return before.find(({ keys }) => transaction.touches(keys))
  }
}

/** Whether a commit asks for a turn, and changes nothing. */
export function isTurn({ changes }: LogEntry): boolean {
  return changes.some(({ table }) => table === TURN)
}

export function ownerOf(commitId: string): string {
  return commitId.slice(0, commitId.indexOf('.') + 1)
}
