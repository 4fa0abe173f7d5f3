/** ROME: one query interface, Kysely's, over whatever store a site has. So far the embedded SQLite. */

export * from './errors.ts'
export * from './schema/column.ts'
export * from './schema/define-table.ts'
export * from './store.ts'
export * from './stores/key-value/key-value-store.ts'
export { MemoryDatabase, type MemoryDatabaseOptions } from './stores/memory/memory-database.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/memory-store.ts'
export { openSqlite, type SqliteOptions } from './stores/sqlite/open-sqlite.ts'
