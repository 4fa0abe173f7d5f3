/**
 * What a store knows of a table: its columns in the order in which rows keep them, and its indexes. Both only ever grow, so
 * that peers of several versions share a store: each keeps the columns that it does not know, and maintains every index.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Column, ColumnKind } from './column.ts'
import type { Index, Table } from './define-table.ts'

/** Where layouts lie, keyed by the encoded name of their table. */
export const CATALOGUE_SPACE = 'rome.catalogue'

export interface LayoutColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly isNullable: boolean
  readonly isNumbered: boolean
  /** As `Column.fallback`; bytes are always none. */
  readonly fallback: unknown
}

export interface LayoutIndex extends Index {
  /** While its entries are being made for rows that were there before it: it is maintained, and not yet looked into. */
  readonly isPending?: boolean
}

export interface Layout {
  readonly columns: readonly LayoutColumn[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly LayoutIndex[]
}

export interface MergedLayout {
  readonly layout: Layout
  /** Whether the store must be told. */
  readonly isChanged: boolean
  /** Indexes that are new to a table which may have rows: their entries are to be made. */
  readonly newIndexes: readonly Index[]
}

/** What the store knows, and what `table` adds to it. @throws Error when the two disagree about a column or the primary key */
export function mergeLayout(table: Table, stored: Layout | undefined): MergedLayout {
  const own = Object.entries(table.columns).map(([name, column]) => layoutColumn(name, column))
  if (!stored) {
    const layout = { columns: own, primaryKey: table.primaryKey, indexes: table.indexes }
    return { layout, isChanged: true, newIndexes: [] }
  }
  if (!isDeepStrictEqual([...stored.primaryKey], [...table.primaryKey]))
    throw new Error(`table ${table.name} has another primary key in the store`)
  const known = new Map(stored.columns.map((column) => [column.name, column]))
  for (const { name, kind } of own) {
    const kept = known.get(name)
    if (kept && kept.kind !== kind)
      throw new Error(`column ${name} of table ${table.name} is ${kept.kind} in the store, not ${kind}`)
  }
  const newColumns = own.filter(({ name }) => !known.has(name))
  const newIndexes = table.indexes.filter((index) => !stored.indexes.some((kept) => isSame(kept, index)))
  const layout = {
    columns: [...stored.columns, ...newColumns],
    primaryKey: stored.primaryKey,
    indexes: [...stored.indexes, ...newIndexes.map((index) => ({ ...index, isPending: true }))],
  }
  return { layout, isChanged: newColumns.length + newIndexes.length > 0, newIndexes }
}

/** As kept in the space of the catalogue. */
export function encodeLayout(layout: Layout): string {
  return JSON.stringify(layout).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function decodeLayout(bytes: string): Layout {
  return JSON.parse(bytes) as Layout
}

function layoutColumn(
  name: string,
  { kind, isNullable, isNumbered, fallback }: Column<unknown>,
): LayoutColumn {
  return { name, kind, isNullable, isNumbered, fallback: kind === 'blob' ? null : fallback }
}

function isSame(left: Index, right: Index): boolean {
  return left.isUnique === right.isUnique && isDeepStrictEqual([...left.columns], [...right.columns])
}
