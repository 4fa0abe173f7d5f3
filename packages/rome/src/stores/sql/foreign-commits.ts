/** Tells what other peers have committed, by asking for the notes of commits while somebody listens. */

import { type Clock, type Logger, sleep } from '@atoll/kit'
import type { Change } from '../key-value/key-value-store.ts'
import type { CommitNote } from './sql-connection.ts'

export interface ForeignCommitsOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Notes of this one are its own. */
  readonly peer: string
  /** Where the notes stood when the store was opened. */
  readonly position: number
  readonly commitsAfter: (position: number, limit: number) => Promise<readonly CommitNote[]>
  readonly forget: (position: number) => Promise<void>
  /** How late news may be; each peer asks as often, which costs the server about 0.1 ms. */
  readonly intervalMs: number
}

/** Called with what others have committed; with nothing when that is not known: then anything may have changed. */
export type CommitListener = (changes: readonly Change[]) => void

/** A page of notes, and how many the store keeps at least. */
const PAGE = 500
const NOTES_KEPT = 10_000

export class ForeignCommits {
  readonly #options: ForeignCommitsOptions
  readonly #listeners = new Set<CommitListener>()
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined
  #position: number

  constructor(options: ForeignCommitsOptions) {
    this.#options = options
    this.#position = options.position
  }

  listen(listener: CommitListener): () => void {
    this.#listeners.add(listener)
    this.#running ??= this.#run(this.#abort.signal)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, log } = this.#options
    let isFailing = false
    while (!signal.aborted) {
      try {
        if (this.#listeners.size > 0) await this.#ask()
        isFailing = false
      } catch (error) {
        if (!isFailing) log.warn({ err: error }, 'cannot ask the store what other peers have committed')
        isFailing = true
      }
      await sleep(clock, intervalMs, signal)
    }
  }

  async #ask(): Promise<void> {
    const { commitsAfter, peer, forget } = this.#options
    const before = this.#position
    for (let page: readonly CommitNote[] = []; ; ) {
      page = await commitsAfter(this.#position, PAGE)
      const [first] = page
      // Some were forgotten before this peer has heard of them: anything may have changed.
      if (first && first.oldest > this.#position + 1) this.#tell([])
      this.#position = page.at(-1)?.position ?? this.#position
      const changes = page.flatMap((note) => (note.peer === peer ? [] : note.changes))
      if (changes.length > 0) this.#tell(changes)
      if (page.length < PAGE) break
    }
    // Each peer that crosses a thousand forgets for all; to forget twice is harmless.
    if (Math.trunc(before / 1000) !== Math.trunc(this.#position / 1000))
      await forget(this.#position - NOTES_KEPT)
  }

  #tell(changes: readonly Change[]): void {
    for (const listener of [...this.#listeners]) listener(changes)
  }
}
