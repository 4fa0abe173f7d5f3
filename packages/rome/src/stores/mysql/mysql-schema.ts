/** Tables of MariaDB: text in UTF-8 compared by code point and to its last blank, as SQLite does. */

import type { Column, ColumnKind } from '../../schema/column.ts'
import type { ExistingSchema } from '../../schema/data-definition.ts'
import type { Table } from '../../schema/define-table.ts'
import type { DefinitionStyle } from '../sql/definitions.ts'
import type { SqlConnection } from '../sql/sql-connection.ts'

/** https://mariadb.com/kb/en/supported-character-sets-and-collations: by code point, without padding. */
export const COLLATION = 'utf8mb4_nopad_bin'

/** A key of InnoDB may have 3072 bytes, and a character up to 4 (https://mariadb.com/kb/en/innodb-limitations). */
const KEY_CHARACTERS_MAX = 768
const INDEXED_CHARACTERS_MAX = 255

/** What ROME keeps for itself: the head, and the notes of commits. */
export const OWN_TABLES: readonly string[] = [
  'create table if not exists rome_head (id int primary key, version int not null, position bigint not null, number bigint not null) engine=InnoDB',
  `create table if not exists rome_commits (position bigint primary key, id varchar(64) not null, peer varchar(64) not null, changes longtext not null, index rome_commits_id (id)) engine=InnoDB default charset=utf8mb4 collate=${COLLATION}`,
]

const types: Readonly<Record<ColumnKind, string>> = {
  text: 'longtext',
  integer: 'bigint',
  real: 'double',
  boolean: 'tinyint(1)',
  json: 'longtext',
  blob: 'longblob',
}

export const mysqlStyle: DefinitionStyle = {
  quote,
  column: (table, name, column) => {
    const type = `${isText(column) ? textType(table, name, column) : types[column.kind]}`
    return column.isNullable ? `${type} null` : `${type} not null default ${literal(column)}`
  },
  tableOptions: ` engine=InnoDB default charset=utf8mb4 collate=${COLLATION}`,
  // A column that was not indexed when it came has a type without a length, as has one that may be long.
  indexed: (table, name, isNew) => {
    const column = table.columns[name]
    const isWhole = !column || !isText(column) || (isNew && !column.isLong)
    return isWhole ? quote(name) : `${quote(name)}(${lengthOf(table, name)})`
  },
  canIndex: () => true,
}

export async function existingMysqlSchema(connection: SqlConnection): Promise<ExistingSchema> {
  const columns = await connection.execute({
    sql: 'select table_name as t, column_name as c from information_schema.columns where table_schema = database()',
    parameters: [],
  })
  const indexes = await connection.execute({
    sql: 'select distinct index_name as i from information_schema.statistics where table_schema = database()',
    parameters: [],
  })
  const byTable = Map.groupBy(columns.rows, (row) => String(row.t))
  return {
    columns: new Map([...byTable].map(([table, rows]) => [table, new Set(rows.map((row) => String(row.c)))])),
    indexes: new Set(indexes.rows.map((row) => String(row.i))),
  }
}

function isText({ kind }: Column<unknown>): boolean {
  return kind === 'text' || kind === 'json'
}

function textType(table: Table, name: string, { kind, isLong }: Column<unknown>): string {
  return kind === 'text' && !isLong && isKey(table, name) ? `varchar(${lengthOf(table, name)})` : types[kind]
}

function isKey({ primaryKey, indexes }: Table, name: string): boolean {
  return primaryKey.includes(name) || indexes.some(({ columns }) => columns.includes(name))
}

// The widest index that a column is part of decides how long it may be.
function lengthOf({ primaryKey, indexes, columns }: Table, name: string): number {
  const keys = [primaryKey, ...indexes.map((index) => index.columns)].filter((names) => names.includes(name))
  const texts = keys.map((names) => names.filter((each) => columns[each]?.kind === 'text').length)
  return Math.min(INDEXED_CHARACTERS_MAX, Math.floor(KEY_CHARACTERS_MAX / Math.max(1, ...texts)) - 4)
}

function literal({ kind, fallback }: Column<unknown>): string {
  if (kind === 'blob') return "x''"
  if (kind === 'json') return `'${JSON.stringify(fallback).replaceAll("'", "''")}'`
  if (kind === 'text') return `'${String(fallback).replaceAll("'", "''")}'`
  return String(Number(fallback))
}

export function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
