/** A whole store for the oracle: its transactions, its cache and its server behind the engine. Tables are new for each case. */

import type { Table } from '../schema/define-table.ts'
import type { Store } from '../store.ts'
import type { Subject } from './run-case.ts'

/** Reads go the way of reads, and each write is a transaction. */
export async function storeSubject(store: Store, tables: readonly Table[]): Promise<Subject> {
  await store.ensureTables(tables)
  return {
    queries: store.read,
    run: (query) =>
      query.query.kind === 'SelectQueryNode'
        ? store.read.executeQuery(query)
        : store.transaction(({ queries }) => queries.executeQuery(query)),
  }
}
