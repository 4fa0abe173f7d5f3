/** ROME: one query interface, Kysely's, over whatever store a site has. */

export * from './errors.ts'
export { isProvisional } from './keyspace/provisional.ts'
export * from './open-store.ts'
export { allowScan } from './plan/allow-scan.ts'
export * from './schema/column.ts'
export * from './schema/define-table.ts'
export * from './store.ts'
export * from './store-url.ts'
export * from './stores/key-value/key-value-store.ts'
export { MemoryDatabase, type MemoryDatabaseOptions } from './stores/memory/memory-database.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/memory-store.ts'
export { openSqlite, type SqliteOptions } from './stores/sqlite/open-sqlite.ts'
