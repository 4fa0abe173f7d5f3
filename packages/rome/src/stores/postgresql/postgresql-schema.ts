/** Tables of PostgreSQL: text compared by code point, indexes that order NULL as SQLite does. */

import type { Column, ColumnKind } from '../../schema/column.ts'
import type { ExistingSchema } from '../../schema/data-definition.ts'
import type { DefinitionStyle } from '../sql/definitions.ts'
import type { SqlConnection } from '../sql/sql-connection.ts'

/** What ROME keeps for itself: its version, the notes of commits, and the numbers that are next. */
export const OWN_TABLES: readonly string[] = [
  'create table if not exists rome_head (id int primary key, version int not null)',
  `create table if not exists rome_commits (position bigint primary key, number bigint not null, id text collate "C" not null,
     peer text collate "C" not null, changes text not null)`,
  'create index if not exists rome_commits_id on rome_commits (id)',
  'create sequence if not exists rome_numbers as bigint',
  'create sequence if not exists rome_positions as bigint',
]

/** Keys of advisory locks: whoever commits, and whoever changes the schema. Any two numbers will do. */
export const COMMIT_LOCK = 7_240_121
export const SCHEMA_LOCK = 7_240_122

const types: Readonly<Record<ColumnKind, string>> = {
  text: 'text collate "C"',
  integer: 'bigint',
  real: 'double precision',
  boolean: 'boolean',
  json: 'text collate "C"',
  blob: 'bytea',
}

export const postgresqlStyle: DefinitionStyle = {
  quote,
  column: (_table, _name, column) => {
    const type = types[column.kind]
    return column.isNullable ? type : `${type} not null default ${literal(column)}`
  },
  tableOptions: '',
  indexed: (table, name) => `${quote(name)}${table.columns[name]?.isNullable ? ' nulls first' : ''}`,
  // An entry has 2704 bytes at most, and one of the beginning alone would serve no range.
  canIndex: ({ columns }, index) => index.columns.every((name) => !columns[name]?.isLong),
}

export async function existingPostgresqlSchema(connection: SqlConnection): Promise<ExistingSchema> {
  const columns = await connection.execute({
    sql: 'select table_name as t, column_name as c from information_schema.columns where table_schema = current_schema()',
    parameters: [],
  })
  const indexes = await connection.execute({
    sql: 'select indexname as i from pg_indexes where schemaname = current_schema()',
    parameters: [],
  })
  const byTable = Map.groupBy(columns.rows, (row) => String(row.t))
  return {
    columns: new Map([...byTable].map(([table, rows]) => [table, new Set(rows.map((row) => String(row.c)))])),
    indexes: new Set(indexes.rows.map((row) => String(row.i))),
  }
}

function literal({ kind, fallback }: Column<unknown>): string {
  if (kind === 'blob') return "''"
  if (kind === 'json') return text(JSON.stringify(fallback))
  if (kind === 'text') return text(String(fallback))
  return kind === 'boolean' ? String(Boolean(fallback)) : String(Number(fallback))
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
