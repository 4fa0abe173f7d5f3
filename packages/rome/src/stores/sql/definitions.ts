/** Additive schema changes for SQL servers, derived: what the catalogue has and the server lacks is created. */

import type { Column } from '../../schema/column.ts'
import type { ExistingSchema } from '../../schema/data-definition.ts'
import type { Index, Table } from '../../schema/define-table.ts'
import { indexName } from './catalogue.ts'

/** What servers write differently. Every statement must do no harm when another peer was faster. */
export interface DefinitionStyle {
  quote(name: string): string
  /** Type, collation, and how a table that lacks the column is filled. */
  column(table: Table, name: string, column: Column<unknown>): string
  /** Behind the columns of a new table. */
  readonly tableOptions: string
  /** A column in an index. */
  indexed(table: Table, name: string, isNew: boolean): string
  /** Whether the server can keep such an index; queries are right without it, and slower. */
  canIndex(table: Table, index: Index): boolean
}

/** The statements, in order, that bring `existing` up to `tables`. Empty when nothing is missing. */
export function missingSql(
  tables: readonly Table[],
  existing: ExistingSchema,
  style: DefinitionStyle,
): string[] {
  return tables.flatMap((table) => {
    const present = existing.columns.get(table.name)
    const indexes = table.indexes.filter(
      (index) => style.canIndex(table, index) && !existing.indexes.has(indexName(table, index)),
    )
    return [
      ...(present ? missingColumns(table, present, style) : [createTable(table, style)]),
      ...indexes.map((index) => createIndex(table, index, present, style)),
    ]
  })
}

function createTable(table: Table, style: DefinitionStyle): string {
  const columns = Object.entries(table.columns).map(
    ([name, column]) => `${style.quote(name)} ${style.column(table, name, column)}`,
  )
  const key = `primary key (${table.primaryKey.map((name) => style.quote(name)).join(', ')})`
  const body = [...columns, key].join(', ')
  return `create table if not exists ${style.quote(table.name)} (${body})${style.tableOptions}`
}

function missingColumns(table: Table, present: ReadonlySet<string>, style: DefinitionStyle): string[] {
  return Object.entries(table.columns)
    .filter(([name]) => !present.has(name))
    .map(([name, column]) => {
      const definition = `${style.quote(name)} ${style.column(table, name, column)}`
      return `alter table ${style.quote(table.name)} add column if not exists ${definition}`
    })
}

function createIndex(
  table: Table,
  index: Index,
  present: ReadonlySet<string> | undefined,
  style: DefinitionStyle,
): string {
  const kind = index.isUnique ? 'unique index' : 'index'
  const columns = index.columns.map((name) => style.indexed(table, name, !present?.has(name))).join(', ')
  const name = style.quote(indexName(table, index))
  return `create ${kind} if not exists ${name} on ${style.quote(table.name)} (${columns})`
}
