import { keyValueSuite } from '../../conformance/key-value-suite.ts'
import { MemoryDatabase } from './memory-database.ts'
import { memoryStore } from './memory-store.ts'

keyValueSuite('memory', async () => {
  const database = new MemoryDatabase({ entriesMax: 64 })
  return {
    commitsRemembered: 64,
    open: async () => memoryStore({ database }),
    close: async () => undefined,
  }
})
