/** What every store on a SQL server does as the SQLite store does it, and what several of its clients see. */

import { test } from 'node:test'
import { addIsland, counters, type Fact, islands, openClient } from './sql-ocean.ts'
import { queryFacts, valueFacts } from './sql-query-facts.ts'
import { conflictFacts, sharedFacts } from './sql-transaction-facts.ts'

/** `urlOf` gives the store of a test: it is emptied first. */
export function sqlFacts(urlOf: () => Promise<string>): void {
  const fact: Fact = (name, check) =>
    void test(name, async (t) => {
      const open = async () => {
        const store = await openClient(await urlOf())
        t.after(() => store.close())
        await store.ensureTables([islands, counters])
        return store
      }
      const store = await open()
      await store.transaction(async ({ queries }) => {
        for (const table of ['islands', 'counters']) await queries.deleteFrom(table).execute()
      })
      await check({ store, another: open, insert: (id, values) => addIsland(store, id, values) })
    })
  valueFacts(fact)
  queryFacts(fact)
  conflictFacts(fact)
  sharedFacts(fact)
}
