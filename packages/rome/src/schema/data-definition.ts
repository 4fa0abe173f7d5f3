/**
 * Additive schema changes, derived: what the catalogue has and the store lacks is created; nothing is ever
 * dropped or changed, so that peers of two versions can share a store.
 */

import type { Column, ColumnKind } from './column.ts'
import type { Index, Table } from './define-table.ts'

/** What a store has now: columns by table, and the names of all indexes. */
export interface ExistingSchema {
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>
  readonly indexes: ReadonlySet<string>
}

/** The SQL statements, in order, that bring `existing` up to `tables`. Empty when nothing is missing. */
export function missingDefinitions(tables: readonly Table[], existing: ExistingSchema): string[] {
  return tables.flatMap((table) => {
    const present = existing.columns.get(table.name)
    const definitions = present ? missingColumns(table, present) : [createTable(table)]
    const indexes = table.indexes.filter((index) => !existing.indexes.has(indexName(table, index)))
    return [...definitions, ...indexes.map((index) => createIndex(table, index))]
  })
}

function createTable(table: Table): string {
  const columns = Object.entries(table.columns).map(
    ([name, column]) => `${quote(name)} ${definition(column)}`,
  )
  const key = `primary key (${table.primaryKey.map(quote).join(', ')})`
  return `create table ${quote(table.name)} (${[...columns, key].join(', ')})${isNarrow(table) ? ' without rowid' : ''}`
}

// SQLite keeps narrow rows best in their key's own tree (https://sqlite.org/withoutrowid.html, section 4). Wide rows
// with random keys are better appended: a commit of many of them then writes a few pages and not one for each.
function isNarrow({ columns }: Table): boolean {
  return Object.keys(columns).length <= 4 && Object.values(columns).every(({ kind }) => kind !== 'json')
}

function missingColumns(table: Table, present: ReadonlySet<string>): string[] {
  return Object.entries(table.columns)
    .filter(([name]) => !present.has(name))
    .map(
      ([name, column]) => `alter table ${quote(table.name)} add column ${quote(name)} ${definition(column)}`,
    )
}

function createIndex(table: Table, index: Index): string {
  const kind = index.isUnique ? 'unique index' : 'index'
  const columns = index.columns.map(quote).join(', ')
  return `create ${kind} ${quote(indexName(table, index))} on ${quote(table.name)} (${columns})`
}

function indexName(table: Table, index: Index): string {
  return `${table.name}_${index.columns.join('_')}${index.isUnique ? '_unique' : ''}`
}

// The declared type is what the driver reads back to know how to decode a column.
const declaredTypes: Readonly<Record<ColumnKind, string>> = {
  text: 'TEXT',
  integer: 'INTEGER',
  real: 'REAL',
  boolean: 'BOOLEAN',
  json: 'JSON',
  blob: 'BLOB',
}

function definition(column: Column<unknown>): string {
  const type = declaredTypes[column.kind]
  return column.isNullable ? type : `${type} not null default ${literal(column)}`
}

function literal({ kind, fallback }: Column<unknown>): string {
  if (kind === 'blob') return "x''"
  if (kind === 'json') return `'${JSON.stringify(fallback).replaceAll("'", "''")}'`
  if (kind === 'text') return `'${String(fallback).replaceAll("'", "''")}'`
  return String(Number(fallback))
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
