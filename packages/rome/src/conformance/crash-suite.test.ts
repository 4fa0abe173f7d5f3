import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { crashSuite } from './crash-suite.ts'

crashSuite('the memory store', async () => {
  const database = new MemoryDatabase()
  return { open: async () => memoryStore({ database }), close: async () => undefined }
})
