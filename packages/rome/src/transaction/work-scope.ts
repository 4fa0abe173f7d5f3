/** What the work of one transaction is given: statements that run at once, over what the peer knows. */

import { AssertionFailed, assert } from '@atoll/kit'
import { Missing, type Workspace } from '../execute/workspace.ts'
import type { ByteString, Change, Space } from '../stores/key-value/key-value-store.ts'
import type { Wanted } from './looks.ts'
import type { OpenTransaction } from './open-transaction.ts'

/** Runs over a workspace in one go, and may be run again. @throws Missing */
export type Statement<Result> = (workspace: Workspace) => Result

/** Where statements are run: a work, or a transaction that its user ends. */
export interface StatementRunner {
  /** @throws what the statement throws, having undone what it wrote */
  run<Result>(statement: Statement<Result>): Promise<Result>
}

/** Ends a work of which something was missing. Never seen outside: nobody is told of what such a work answers. */
class Abandoned extends Error {
  override readonly name = 'Abandoned'
}

export class WorkScope implements StatementRunner {
  readonly changes: Change[] = []
  readonly #transaction: OpenTransaction
  readonly #missing: Missing[] = []
  #isOver = false

  constructor(transaction: OpenTransaction) {
    this.#transaction = transaction
  }

  async run<Result>(statement: Statement<Result>): Promise<Result> {
    assert(!this.#isOver, 'a query of a transaction that has ended')
    const mark = this.#transaction.mark()
    try {
      const result = statement(this.#transaction.workspace)
      // The rest of an abandoned work is run to hear what else it lacks; what it believes is of no account.
      if (this.#missing.length > 0) throw new Abandoned()
      return result
    } catch (error) {
      this.#transaction.rollBackTo(mark)
      if (!(error instanceof Missing)) throw error
      this.#missing.push(error)
      throw new Abandoned()
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
    if (this.#missing.length === 0) return undefined
    return {
      keys: this.#missing.flatMap(({ keys }) => keys),
      ranges: this.#missing.flatMap(({ ranges }) => ranges),
    }
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
