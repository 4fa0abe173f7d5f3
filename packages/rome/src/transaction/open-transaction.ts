/** Reads and writes that wait for their commit, watched for what others commit meanwhile. */

import type { LogEntry, SpaceKey, Write } from '../stores/key-value/key-value-store.ts'
import { AssumedAbsent } from './assumed-absent.ts'
import type { Cache } from './cache.ts'
import { Guesses, type GuessMark } from './guesses.ts'
import { LayeredWorkspace } from './layered-workspace.ts'
import { ReadLog, type ReadMark } from './read-log.ts'
import { WriteBuffer } from './write-buffer.ts'

export interface Mark {
  readonly writes: number
  readonly reads: ReadMark
  readonly guesses: GuessMark
  readonly numbers: number
}

export class OpenTransaction {
  readonly buffer = new WriteBuffer()
  readonly reads = new ReadLog()
  /** Keys that nobody can have: they are neither looked for nor proven. */
  readonly assumedAbsent = new AssumedAbsent()
  /** What was read without being known: to be proven before, or with, the commit. */
  readonly guesses = new Guesses()
  readonly workspace: LayeredWorkspace
  /** What somebody did to it. */
  readonly doomedBy: LogEntry[] = []
  /** How many numbers were given. */
  numbers = 0
  readonly #stopWatching: () => void
  #isDoomed = false

  constructor(cache: Cache) {
    this.workspace = new LayeredWorkspace(cache, this)
    this.#stopWatching = cache.watch({
      isTouchedBy: (entry) => this.reads.isTouchedBy(entry),
      doom: (entry) => {
        this.#isDoomed = true
        if (entry) this.doomedBy.push(entry)
      },
    })
  }

  /** Whether somebody has changed what was read here. */
  get isDoomed(): boolean {
    return this.#isDoomed
  }

  mark(): Mark {
    return {
      writes: this.buffer.mark(),
      reads: this.reads.mark(),
      guesses: this.guesses.mark(),
      numbers: this.numbers,
    }
  }

  /** Takes back what was written since; what was read stays, since somebody may have decided by it. */
  rollBackTo({ writes, numbers }: Mark): void {
    this.buffer.rollBackTo(writes)
    this.numbers = numbers
  }

  /** As if nothing had been done since. */
  forgetSince(mark: Mark): void {
    this.rollBackTo(mark)
    this.reads.rollBackTo(mark.reads)
    this.guesses.rollBackTo(mark.guesses)
  }

  /** To be called once, at the end. */
  stop(): void {
    this.#stopWatching()
  }

  /** Whether any of `keys` was read or is written. */
  touches(keys: readonly SpaceKey[]): boolean {
    const writes = keys.map((key) => ({ ...key, value: null }))
    return (
      keys.some(({ space, key }) => this.buffer.space(space)?.has(key)) || this.reads.isTouchedBy({ writes })
    )
  }

  toWrites(): Write[] {
    return this.buffer.toWrites()
  }
}
