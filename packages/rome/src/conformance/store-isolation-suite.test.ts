import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { openRome } from '../open-rome.ts'
import type { Table } from '../schema/define-table.ts'
import type { Queries, Store, Transaction } from '../store.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { openSqlite } from '../stores/sqlite/open-sqlite.ts'
import { checkNumbers } from './isolation/check-numbers.ts'
import type { Event } from './isolation/history.ts'
import {
  type StoreIsolationHarness,
  storeHistory,
  storeIsolationSuite,
  wrongIn,
} from './store-isolation-suite.ts'

// A file has one peer: all clients are its requests, which share groups of commits.
const onSqlite = async (
  change: (store: Store) => Store = (store) => store,
): Promise<StoreIsolationHarness> => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-history-'))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  const openUntroubled = async (tables: readonly Table[]) => {
    await store.ensureTables(tables)
    return store
  }
  return {
    open: async (tables) => ({ store: change(await openUntroubled(tables)) }),
    openUntroubled,
    close: async () => {
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const inMemory = (seed: string): StoreIsolationHarness => {
  const database = new MemoryDatabase({ entriesMax: 200 })
  const stores: Store[] = []
  const openUntroubled = async (tables: readonly Table[]) => {
    const random = seededRandom(`${seed} ${stores.length}`)
    const store = openRome({ store: memoryStore({ database }), clock: systemClock, random })
    stores.push(store)
    await store.ensureTables(tables)
    return store
  }
  return {
    open: async (tables) => ({ store: await openUntroubled(tables) }),
    openUntroubled,
    close: async () => {
      for (const store of stores) await store.close()
    },
  }
}

const size = { seeds: 10, clients: 8, transactionsEach: 25 }

storeIsolationSuite('SQLite', { 'without trouble': () => onSqlite() }, size)
storeIsolationSuite('ROME in memory', { 'without trouble': async (seed) => inMemory(seed) }, size)

/** Stores that break one promise each. */
const BROKEN: Readonly<Record<string, (store: Store) => Store>> = {
  'reads in a transaction what was committed before it': (store) =>
    withTransactions(store, (transaction) => ({
      ...transaction,
      queries: new Proxy(transaction.queries, {
        get: (own, name) => {
          const queries: Queries = name === 'selectFrom' ? store.read : own
          const member: unknown = Reflect.get(queries, name)
          return typeof member === 'function' ? member.bind(queries) : member
        },
      }),
    })),
  'gives numbers that fall': (store) => {
    let next = 1_000_000
    return withTransactions(store, (transaction) => ({ ...transaction, nextNumber: async () => next-- }))
  },
}

function withTransactions(store: Store, change: (transaction: Transaction) => Transaction): Store {
  return {
    ...store,
    read: store.read,
    transaction: (work) => store.transaction((transaction) => work(change(transaction))),
  }
}

suite('the checker, on histories through queries,', () => {
  for (const [name, breaks] of Object.entries(BROKEN))
    test(`finds out a store that ${name}`, async () => {
      const harness = await onSqlite(breaks)
      try {
        const { history, numbers } = await storeHistory(harness, { seed: '1', ...size })
        assert.notDeepEqual(wrongIn(history, numbers), [])
      } finally {
        await harness.close()
      }
    })
})

suite('the checker of numbers', () => {
  const append = (value: string): Event => ({ kind: 'appended', key: 'x', value })
  const history = (first: Event[], second: Event[]) => ({
    final: new Map([['x', ['1', '2']]]),
    executed: [
      { name: 'A', outcome: 'committed' as const, events: first, began: 0, ended: 1 },
      { name: 'B', outcome: 'committed' as const, events: second, began: 2, ended: 3 },
    ],
  })
  const inOrder = history([append('1')], [{ kind: 'seen', key: 'x', list: ['1'] }, append('2')])
  const told = (numbers: Record<string, number>, given = inOrder) =>
    checkNumbers(given, new Map(Object.entries(numbers))).join('\n')

  test('accepts what rises, with gaps', () => {
    assert.equal(told({ 1: 4, 2: 9 }), '')
  })

  test('finds numbers that are missing, there twice, or of what is not there', () => {
    assert.match(told({ 1: 1 }), /2 has no number/)
    assert.match(told({ 1: 1, 2: 1 }), /given twice/)
    assert.match(told({ 1: 1, 2: 2, 3: 3 }), /in no list/)
  })

  test('finds numbers that are not in the order of commits', () => {
    const wrong = told({ 1: 9, 2: 4 })
    for (const what of [/came after 1/, /by who had seen 1/, /B began after A had ended/])
      assert.match(wrong, what)
  })

  test('finds numbers of one transaction that are not in the order of its calls', () => {
    assert.match(told({ 1: 9, 2: 4 }, history([append('1'), append('2')], [])), /2 came after 1/)
  })
})
