/**
 * Records with those that belong to them: one query for each relationship, however many records there are. The references of
 * `defineTable` say what belongs together; any store answers.
 *
 * ```
 * const owners = await loadReferenced(queries, { from: ports, reference: 'network', rows })      // many to one
 * const ports = await loadReferring(queries, { from: ports, reference: 'network', rows: networks }) // one to many
 * ```
 */

import type { ExpressionBuilder } from 'kysely'
import type { Reference, Row, Table } from '../schema/define-table.ts'
import type { AnyTables, Queries } from '../store.ts'

type AnyRow = Readonly<Record<string, unknown>>

/** How many keys one query names; more are asked for in several. */
const KEYS_MAX = 500

export interface Relation<From extends Table, To extends Table> {
  /** The table that refers. */
  readonly from: From
  /** The name of the relationship among its references. */
  readonly reference: string
  /** The table that is referred to. */
  readonly to: To
}

/**
 * For each of `rows`, in their order, the row that it refers to; undefined where a column of the reference is NULL or there is
 * no such row. @throws Error when `from` has no such reference to `to`
 */
export async function loadReferenced<From extends Table, To extends Table>(
  queries: Queries,
  { from, reference, to, rows }: Relation<From, To> & { readonly rows: readonly AnyRow[] },
): Promise<readonly (Row<To> | undefined)[]> {
  const { columns } = referenceOf({ from, reference, to })
  const found = await loadByKeys(queries, {
    table: to,
    columns: to.primaryKey,
    keys: rows.map((row) => keyOf(row, columns)),
  })
  const byKey = new Map(found.map((row) => [textOf(keyOf(row, to.primaryKey)), row as Row<To>]))
  return rows.map((row) => byKey.get(textOf(keyOf(row, columns))))
}

/**
 * For each of `rows`, in their order, the rows of `from` that refer to it. An index of `from` that begins with the columns of
 * the reference makes that a look-up. @throws Error when `from` has no such reference to `to`
 */
export async function loadReferring<From extends Table, To extends Table>(
  queries: Queries,
  { from, reference, to, rows }: Relation<From, To> & { readonly rows: readonly AnyRow[] },
): Promise<readonly (readonly Row<From>[])[]> {
  const { columns } = referenceOf({ from, reference, to })
  const keys = rows.map((row) => keyOf(row, to.primaryKey))
  const found = await loadByKeys(queries, { table: from, columns, keys })
  const byKey = Map.groupBy(found as readonly Row<From>[], (row) => textOf(keyOf(row as AnyRow, columns)))
  return keys.map((key) => byKey.get(textOf(key)) ?? [])
}

function referenceOf({ from, reference, to }: Relation<Table, Table>): Reference {
  const found = from.references[reference]
  if (found?.table !== to.name)
    throw new Error(`table ${from.name} has no reference ${reference} to ${to.name}`)
  return found
}

interface Keys {
  readonly table: Table
  readonly columns: readonly string[]
  readonly keys: readonly (readonly unknown[])[]
}

async function loadByKeys(queries: Queries, { table, columns, keys }: Keys): Promise<readonly AnyRow[]> {
  const distinct = new Map(keys.filter((key) => !key.includes(null)).map((key) => [textOf(key), key]))
  const wanted = [...distinct.values()]
  const pages = await Promise.all(
    Array.from({ length: Math.ceil(wanted.length / KEYS_MAX) }, (_, page) => {
      const some = wanted.slice(page * KEYS_MAX, (page + 1) * KEYS_MAX)
      const query = queries.selectFrom(table.name).selectAll()
      return query.where((builder) => isAnyOf(builder, columns, some)).execute()
    }),
  )
  return pages.flat()
}

function isAnyOf(
  builder: ExpressionBuilder<AnyTables, string>,
  columns: readonly string[],
  keys: readonly (readonly unknown[])[],
) {
  const [only, ...others] = columns
  if (only !== undefined && others.length === 0)
    return builder(
      only,
      'in',
      keys.map(([value]) => value),
    )
  return builder.or(
    keys.map((key) => builder.and(columns.map((column, at) => builder(column, '=', key[at])))),
  )
}

function keyOf(row: AnyRow, columns: readonly string[]): readonly unknown[] {
  return columns.map((column) => row[column] ?? null)
}

function textOf(key: readonly unknown[]): string {
  return JSON.stringify(key)
}
