/** What every `Store` must do for its services: each kind of store calls this with a harness of its own. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { integer } from '../schema/column.ts'
import { defineTable, type Table } from '../schema/define-table.ts'
import type { Store } from '../store.ts'
import { idsOf, insert, islands, type StoreFact, type StoreHarness } from './store-harness.ts'
import { sharedFacts } from './store-shared-facts.ts'
import { transactionFacts } from './store-transaction-facts.ts'

export interface StoreSuiteOptions {
  /** Whether several peers may have it open. */
  readonly isShared: boolean
  readonly skip?: string | false
}

/** Registers the suite. `make` is called once for each fact. */
export function storeSuite(
  kind: string,
  make: () => Promise<StoreHarness>,
  options: StoreSuiteOptions,
): void {
  const { isShared, skip = false } = options
  describe(`${kind} as a store`, { skip }, () => {
    const fact: StoreFact = (name, body) => {
      test(name, async () => {
        const harness = await make()
        const stores: Store[] = []
        const another = async () => {
          const store = await harness.open()
          stores.push(store)
          await store.ensureTables([islands])
          return store
        }
        try {
          await body({ store: await another(), another })
        } finally {
          for (const store of stores) await store.close()
          await harness.close()
        }
      })
    }
    transactionFacts(fact)
    schemaFacts(fact)
    if (isShared) sharedFacts(fact)
  })
}

function schemaFacts(fact: StoreFact): void {
  const wider: Table = defineTable(
    'islands',
    { ...islands.columns, coconuts: integer(7) },
    { primaryKey: ['id'], indexes: [['area'], ['coconuts', 'area']], unique: [['name']] },
  )

  fact('a table that is asked for twice is there once, with its rows', async ({ store }) => {
    await insert(store, { id: '1', name: 'Motu', area: 3 })
    await store.ensureTables([islands])
    assert.deepEqual(await idsOf(store), ['1'])
  })

  fact('a column that comes later has its fallback in old rows', async ({ store }) => {
    await insert(store, { id: '1', name: 'Motu', area: 3 })
    await store.ensureTables([wider])
    const rows = await store.read.selectFrom('islands').select(['id', 'coconuts']).execute()
    assert.deepEqual(rows, [{ id: '1', coconuts: 7 }])
  })

  fact('an index that comes later finds the rows that were there before it', async ({ store }) => {
    const many = Array.from({ length: 450 }, (_, index) => ({
      id: `${1000 + index}`,
      name: `${index}`,
      area: index,
    }))
    await insert(store, ...many)
    await store.ensureTables([wider])
    const query = store.read.selectFrom('islands').select('area').where('coconuts', '=', 7).orderBy('area')
    const rows = await query.execute()
    assert.deepEqual(
      rows.map(({ area }) => area),
      many.map(({ area }) => area),
    )
  })
}
