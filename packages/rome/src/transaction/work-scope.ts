/** What the work of one transaction is given: statements that run at once, over what the peer knows. */

import { AssertionFailed, assert } from '@atoll/kit'
import { Missing, type Workspace } from '../execute/workspace.ts'
import type { ByteString, Change, Space } from '../stores/key-value/key-value-store.ts'
import { Guesses, type Wanted } from './guesses.ts'
import type { OpenTransaction } from './open-transaction.ts'

/** Runs over a workspace in one go, and may be run again. @throws Missing */
export type Statement<Result> = (workspace: Workspace) => Result

export interface StatementOptions {
  /** Whether it reads in order to find nothing: then it need not wait to hear that there is nothing. */
  readonly expectsNothing?: boolean
}

/** Where statements are run: a work, or a transaction that its user ends. */
export interface StatementRunner {
  /** @throws what the statement throws, having undone what it wrote */
  run<Result>(statement: Statement<Result>, options?: StatementOptions): Promise<Result>
}

/** Ends a work of which something was missing. Never seen outside: nobody is told of what such a work answers. */
class Abandoned extends Error {
  override readonly name = 'Abandoned'
}

const ABANDONED = new Abandoned()
/** A work that goes on for longer than this on guesses alone is led astray by them. */
const ASTRAY_AFTER = 1000

export class WorkScope implements StatementRunner {
  readonly changes: Change[] = []
  readonly #transaction: OpenTransaction
  /** Set when something was missing: from then on the work is run, on guesses, only to hear what else it lacks. */
  #missing: Guesses | undefined
  #guessed = 0
  #isOver = false

  constructor(transaction: OpenTransaction) {
    this.#transaction = transaction
  }

  async run<Result>(
    statement: Statement<Result>,
    { expectsNothing = false }: StatementOptions = {},
  ): Promise<Result> {
    assert(!this.#isOver, 'a query of a transaction that has ended')
    const mark = this.#transaction.mark()
    try {
      return this.#attempt(
        statement,
        this.#missing ?? (expectsNothing ? this.#transaction.guesses : undefined),
      )
    } catch (error) {
      this.#transaction.rollBackTo(mark)
      if (!(error instanceof Missing)) throw error
      if (!this.#missing) {
        this.#missing = new Guesses()
        this.#missing.add(this.#transaction.guesses)
      }
      this.#missing.add(error)
      return this.#attempt(statement, this.#missing)
    }
  }

  #attempt<Result>(statement: Statement<Result>, guesses: Guesses | undefined): Result {
    const { workspace } = this.#transaction
    if (this.#missing && ++this.#guessed > ASTRAY_AFTER) throw ABANDONED
    workspace.guessInto(guesses)
    try {
      return statement(workspace)
    } catch (error) {
      // What cannot be guessed ends it.
      if (this.#missing && error instanceof Missing) {
        this.#missing.add(error)
        throw ABANDONED
      }
      throw error
    } finally {
      workspace.guessInto(undefined)
    }
  }

  /** The next number of the group, from 0. */
  nextNumber(): number {
    assert(!this.#isOver, 'a number of a transaction that has ended')
    return this.#transaction.numbers++
  }

  /** See `Transaction.assumeNew`. */
  assumeAbsent(space: Space, key: ByteString): void {
    this.#transaction.assumedAbsent.add(space, key)
  }

  announce(changes: readonly Change[]): void {
    this.changes.push(...changes)
  }

  /** Refuses all further statements. Answers with what the work has missed. */
  end(): Wanted | undefined {
    this.#isOver = true
    return this.#missing
  }
}

/** Awaits a work that awaits nothing but its own statements; others wait for it. @throws AssertionFailed when it does */
export function inOneTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const probe = setImmediate(() =>
      reject(new AssertionFailed('a transaction waited for something other than the store')),
    )
    const settle = () => clearImmediate(probe)
    work().then(
      (result) => {
        settle()
        resolve(result)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
  })
}
