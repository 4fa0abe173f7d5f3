import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Commit, KeyValueStore, Look } from '../stores/key-value/key-value-store.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { checkHistory } from './isolation/check-history.ts'
import { historyOf, isolationSuite } from './isolation-suite.ts'

isolationSuite(
  'the memory store',
  async () => {
    const database = new MemoryDatabase({ entriesMax: 200 })
    return { open: async () => memoryStore({ database }), close: async () => undefined }
  },
  { seeds: 40, isStepped: true },
)

isolationSuite(
  'a store that does not look for absence',
  async () => {
    const database = new MemoryDatabase({ entriesMax: 200 })
    return {
      open: async () => memoryStore({ database, looksForAbsence: false }),
      close: async () => undefined,
    }
  },
  { seeds: 20, isStepped: true },
)

isolationSuite(
  'a store that leaves the search for conflicts to its clients',
  async () => {
    const database = new MemoryDatabase({ entriesMax: 200 })
    return {
      open: async () => withoutSearch(memoryStore({ database, looksForAbsence: false })),
      close: async () => undefined,
    }
  },
  { seeds: 20, isStepped: true },
)

/** Refuses whatever is not based on the latest position. */
function withoutSearch(store: KeyValueStore): KeyValueStore {
  return {
    ...store,
    commit: async (commit) => {
      const { position } = await store.look({ after: null, keys: [], ranges: [] })
      const known = await store.look({ after: commit.after, keys: [], ranges: [] })
      const isDone = known.entries?.some(({ id }) => id === commit.id) ?? false
      if (!isDone && position !== commit.after) return { kind: 'moved', ...known }
      return store.commit(commit)
    },
  }
}

/** Stores that break one promise each. */
const BROKEN: Readonly<Record<string, (store: KeyValueStore) => KeyValueStore>> = {
  'forgets what was read': (store) =>
    withCommits(store, (commit) => ({ ...commit, reads: { keys: [], ranges: [] } })),
  'does not look for phantoms': (store) =>
    withCommits(store, (commit) => ({ ...commit, reads: { ...commit.reads, ranges: [] } })),
  'does not look at keys': (store) =>
    withCommits(store, (commit) => ({ ...commit, reads: { ...commit.reads, keys: [] } })),
  'does not look for absence, and says that it does': (store) =>
    withCommits(store, (commit) => ({ ...commit, absent: { keys: [], ranges: [] } })),
  'writes a half of each commit': (store) =>
    withCommits(store, (commit) => ({
      ...commit,
      writes: commit.writes.slice(0, Math.ceil(commit.writes.length / 2)),
    })),
  'commits again what it is asked again': (store) => {
    let asked = 0
    return withCommits(store, (commit) => ({ ...commit, id: `${commit.id}/${++asked}` }))
  },
  'shows what was some commits ago': (store) => {
    const shown: Awaited<ReturnType<KeyValueStore['look']>>[] = []
    return {
      ...store,
      look: async (look: Look) => {
        if (look.keys.length + look.ranges.length > 0) return store.look(look)
        shown.push(await store.look({ ...look, after: look.after ?? 0 }))
        const { position, number } = shown[Math.max(0, shown.length - 4)] ?? { position: 0, number: 0 }
        return { position, number, entries: [], values: [], ranges: [] }
      },
    }
  },
}

function withCommits(store: KeyValueStore, change: (commit: Commit) => Commit): KeyValueStore {
  return { ...store, commit: (commit) => store.commit(change(commit)) }
}

suite('the checker, on generated histories,', () => {
  for (const [name, breaks] of Object.entries(BROKEN))
    test(`finds out a store that ${name}`, async () => {
      const found: string[] = []
      for (let seed = 1; seed <= 40 && found.length === 0; seed++) {
        const database = new MemoryDatabase()
        const open = async () => breaks(memoryStore({ database }))
        const isLossy = name.startsWith('commits again')
        const fate = isLossy ? lossy : () => 'fine' as const
        const harness = { open, close: async () => undefined }
        try {
          found.push(...checkHistory(await historyOf(harness, { seed: `${seed}`, isStepped: true, fate })))
        } catch (error) {
          found.push(String(error))
        }
      }
      assert.ok(found.length > 0)
    })
})

const lossy = (random: { below(limit: number): number }) => (random.below(4) === 0 ? 'answer lost' : 'fine')
