/** `defineTable` is the single source of a table's row type and of the catalogue that stores and plans use. */

import type { Column } from './column.ts'

export type Columns = Readonly<Record<string, Column<unknown>>>

/** The row type that a set of columns stands for. */
export type RowOf<C extends Columns> = {
  [Name in keyof C]: C[Name] extends Column<infer Value> ? Value : never
}

/** The row type of a table: `Row<typeof servers>`. */
export type Row<T extends Table> = RowOf<T['columns']>

export interface Index {
  readonly columns: readonly string[]
  readonly isUnique: boolean
}

export interface Table<Name extends string = string, C extends Columns = Columns> {
  readonly name: Name
  readonly columns: C
  readonly primaryKey: readonly string[]
  readonly indexes: readonly Index[]
}

export interface TableOptions<ColumnName extends string> {
  readonly primaryKey: readonly ColumnName[]
  /** Each list of columns is one index, in that order. */
  readonly indexes?: readonly (readonly ColumnName[])[]
  /** As `indexes`; two rows never agree on all columns of one. NULL equals nothing. */
  readonly unique?: readonly (readonly ColumnName[])[]
}

/** Defines a table. @throws Error when a key or an index names a column that does not exist */
export function defineTable<const Name extends string, C extends Columns>(
  name: Name,
  columns: C,
  options: TableOptions<keyof C & string>,
): Table<Name, C> {
  const indexes = [
    ...(options.indexes ?? []).map((names) => ({ columns: names, isUnique: false })),
    ...(options.unique ?? []).map((names) => ({ columns: names, isUnique: true })),
  ]
  for (const named of [options.primaryKey, ...indexes.map((index) => index.columns)]) {
    const unknown = named.find((columnName) => !(columnName in columns))
    if (unknown !== undefined) throw new Error(`table ${name} has no column ${unknown}`)
  }
  return Object.freeze({ name, columns: Object.freeze(columns), primaryKey: options.primaryKey, indexes })
}
