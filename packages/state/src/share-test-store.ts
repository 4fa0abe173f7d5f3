/** One store as several peers see it, each through a view of its own: for tests of peers that share one. */

import type { Change, Store } from '@atoll/rome'

type Listener = (changes: readonly Change[]) => void

/** Each call gives another peer's view. Closing a view closes nothing. */
export function shareTestStore(store: Store): () => Store {
  const views = new Map<Store, Set<Listener>>()
  return () => {
    const listeners = new Set<Listener>()
    const view: Store = {
      description: store.description,
      roundTrips: store.roundTrips,
      read: store.read,
      transaction: async (work) => {
        let announced: Change[] = []
        const result = await store.transaction((transaction) => {
          announced = []
          return work({
            queries: transaction.queries,
            nextNumber: () => transaction.nextNumber(),
            assumeNew: (table, key) => transaction.assumeNew(table, key),
            announce: (changes) => void announced.push(...changes),
          })
        })
        for (const [other, others] of views)
          if (other !== view && announced.length > 0) for (const listener of others) listener(announced)
        return result
      },
      session: (work) => store.session(work),
      headNumber: () => store.headNumber(),
      onForeignCommit: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      ensureTables: (tables) => store.ensureTables(tables),
      close: async () => void views.delete(view),
    }
    views.set(view, listeners)
    return view
  }
}
