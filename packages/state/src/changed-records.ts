/** Keeps what a service has in memory of a table up to date: ids of changed records are gathered and read together. */

import { type Clock, Refresher } from '@atoll/kit'
import type { State } from './state.ts'

export interface ChangedRecordsOptions {
  readonly state: Pick<State, 'onCommit'>
  /** Of this table alone. */
  readonly table: { readonly name: string }
  readonly clock: Clock
  /** Takes what is committed of these records. Called again with the same ids when it throws; must be idempotent. */
  readonly read: (ids: readonly string[]) => Promise<void>
}

/** Follows the changes of a table from now on, as long as the state is open. */
export function followChangedRecords({ state, table, clock, read }: ChangedRecordsOptions): void {
  const changed = new Set<string>()
  const refresh = async () => {
    // Transactions of one commit are told of one after the other: what they changed is read together.
    await Promise.resolve()
    const ids = [...changed]
    changed.clear()
    try {
      if (ids.length > 0) await read(ids)
    } catch (error) {
      for (const id of ids) changed.add(id)
      throw error
    }
  }
  const refresher = new Refresher({ clock, refresh })
  state.onCommit((changes) => {
    for (const change of changes) if (change.table === table.name) changed.add(change.id)
    if (changed.size > 0) refresher.request()
  })
}
