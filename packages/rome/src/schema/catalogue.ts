/** The run-time catalogue: where each column of a table lies in its rows, which indexes it has, and in which spaces. */

import type { Space } from '../stores/key-value/key-value-store.ts'
import { type Affinity, affinityOf, storedValue } from '../values/affinity.ts'
import type { Value } from '../values/value.ts'
import type { ColumnKind } from './column.ts'
import type { Index, Table } from './define-table.ts'
import { type Layout, type LayoutIndex, mergeLayout } from './layout.ts'

export interface CatalogueColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly affinity: Affinity
  /** Where its value lies in a stored row. */
  readonly position: number
  readonly isNullable: boolean
  readonly isNumbered: boolean
  /** What rows have that were written before there was such a column, and inserts that do not name it. */
  readonly fallback: Value
}

export interface CatalogueIndex {
  readonly space: Space
  readonly columns: readonly CatalogueColumn[]
  readonly isUnique: boolean
  /** See `LayoutIndex`. */
  readonly isPending: boolean
}

export interface CatalogueTable {
  readonly name: string
  readonly space: Space
  /** Those that this version knows, in the order of their definition: what queries see. */
  readonly columns: readonly CatalogueColumn[]
  readonly columnsByName: ReadonlyMap<string, CatalogueColumn>
  /** All that the store knows, by position. */
  readonly layout: readonly CatalogueColumn[]
  readonly primaryKey: readonly CatalogueColumn[]
  /** All that the store knows. */
  readonly indexes: readonly CatalogueIndex[]
  /** Whether rows may hold numbers of commits. */
  readonly hasNumbers: boolean
}

export interface Catalogue {
  readonly tables: ReadonlyMap<string, CatalogueTable>
}

/** @param layouts what the store knows of the tables, by their names; without it, what `tables` say */
export function catalogueOf(
  tables: readonly Table[],
  layouts: ReadonlyMap<string, Layout> = new Map(),
): Catalogue {
  const entries = tables.map((table) => {
    const { layout } = mergeLayout(table, layouts.get(table.name))
    return [table.name, catalogueTable(table.name, layout, Object.keys(table.columns))] as const
  })
  return Object.freeze({ tables: new Map(entries) })
}

/** The space of an index: `servers(home,seq)`. */
export function indexSpace(table: string, { columns }: Index): Space {
  return `${table}(${columns.join(',')})`
}

function catalogueTable(name: string, layout: Layout, known: readonly string[]): CatalogueTable {
  const columns = layout.columns.map((column, position) => {
    const { kind, fallback } = column
    const value =
      kind === 'blob' && !column.isNullable ? new Uint8Array() : storedValue(kind, fallback, 'integer')
    return Object.freeze({ ...column, position, affinity: affinityOf(kind), fallback: value })
  })
  const byName = new Map(columns.map((column) => [column.name, column]))
  const named = (names: readonly string[]) =>
    names.map((columnName) => byName.get(columnName) as CatalogueColumn)
  const visible = named(known)
  const indexes = distinctIndexes(layout.indexes).map((index) =>
    Object.freeze({
      space: indexSpace(name, index),
      columns: named(index.columns),
      isUnique: index.isUnique,
      isPending: index.isPending ?? false,
    }),
  )
  return Object.freeze({
    name,
    space: name,
    columns: visible,
    columnsByName: new Map(visible.map((column) => [column.name, column])),
    layout: columns,
    primaryKey: named(layout.primaryKey),
    indexes,
    hasNumbers: columns.some(({ isNumbered }) => isNumbered),
  })
}

// An index that is asked for twice is one; when either is unique, so is it, and when either has all entries, so has it.
function distinctIndexes(indexes: readonly LayoutIndex[]): readonly LayoutIndex[] {
  const byColumns = new Map<string, LayoutIndex>()
  for (const { columns, isUnique, isPending = false } of indexes) {
    const key = columns.join(',')
    const other = byColumns.get(key)
    byColumns.set(key, {
      columns,
      isUnique: isUnique || other?.isUnique === true,
      isPending: isPending && other?.isPending !== false,
    })
  }
  return [...byColumns.values()]
}
