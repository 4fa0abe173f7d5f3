/**
 * Group commit: the transactions of all requests that are ready share one durable commit, so that durability
 * costs one fsync per turn of the event loop and not one per request (DeWitt et al., SIGMOD 1984, section 4).
 *
 * Each transaction runs inside a savepoint, one after the other, which makes them serializable; a failing one
 * rolls back to its savepoint and leaves its neighbours alone. Nobody hears of success or failure before the
 * commit, because even a failure may have been decided by a neighbour's row that the commit could still lose.
 */

import { assert } from '@atoll/kit'
import { WorkQueue, type WorkQueueOptions } from '../../transaction/work-queue.ts'

export interface GroupCommitOptions extends Pick<WorkQueueOptions<Waiting>, 'defer' | 'groupMax'> {
  /** Runs one statement now, and throws when it fails. */
  readonly execute: (sql: string) => void
  /** Called once in each group, after its transactions and before the commit that makes them durable. */
  readonly beforeCommit?: () => void
}

interface Waiting {
  readonly work: () => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Settle = () => void

export class GroupCommit {
  readonly #options: GroupCommitOptions
  readonly #queue: WorkQueue<Waiting>

  constructor(options: GroupCommitOptions) {
    this.#options = options
    const { defer, groupMax } = options
    this.#queue = new WorkQueue({ defer, groupMax, runGroup: (group) => this.#commitGroup(group) })
  }

  /** Runs `work` in the next group. See `Store.transaction` for the contract. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) =>
      this.#queue.add({ work, resolve: resolve as (value: unknown) => void, reject }),
    )
  }

  /** Resolves when no transaction is waiting or running. */
  drained(): Promise<void> {
    return this.#queue.drained()
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    const { execute, beforeCommit } = this.#options
    try {
      execute('begin immediate')
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    const settles: Settle[] = []
    try {
      for (const waiting of group) settles.push(await this.#runOne(waiting))
      beforeCommit?.()
      execute('commit')
    } catch (error) {
      rollBack(execute)
      for (const { reject } of group) reject(error)
      return
    }
    for (const settle of settles) settle()
  }

  async #runOne({ work, resolve, reject }: Waiting): Promise<Settle> {
    const { execute } = this.#options
    execute('savepoint one')
    let hasLeft = false
    const probe = setImmediate(() => {
      hasLeft = true
    })
    try {
      const value = await work()
      assert(!hasLeft, 'a transaction waited for something other than the store')
      execute('release one')
      return () => resolve(value)
    } catch (error) {
      execute('rollback to one')
      execute('release one')
      return () => reject(error)
    } finally {
      clearImmediate(probe)
    }
  }
}

function rollBack(execute: (sql: string) => void): void {
  try {
    execute('rollback')
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full: there is nothing left to undo.
  }
}
