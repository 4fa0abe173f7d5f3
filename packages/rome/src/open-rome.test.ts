import { seededRandom, systemClock } from '@atoll/kit'
import { storeSuite } from './conformance/store-suite.ts'
import { openRome } from './open-rome.ts'
import { MemoryDatabase } from './stores/memory/memory-database.ts'
import { memoryStore } from './stores/memory/memory-store.ts'

storeSuite(
  'ROME in memory',
  async () => {
    const database = new MemoryDatabase()
    let peers = 0
    return {
      open: async () =>
        openRome({
          store: memoryStore({ database }),
          clock: systemClock,
          random: seededRandom(`peer ${++peers}`),
        }),
      close: async () => undefined,
    }
  },
  { isShared: true },
)
