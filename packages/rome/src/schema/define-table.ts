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

/** Rows of this table belong to one row of another, or to none while a column is NULL. Nothing enforces it: sites hear of rows in any order. */
export interface Reference {
  readonly columns: readonly string[]
  /** Name of the other table; `columns` hold the values of its primary key. */
  readonly table: string
}

export interface Table<Name extends string = string, C extends Columns = Columns> {
  readonly name: Name
  readonly columns: C
  readonly primaryKey: readonly string[]
  readonly indexes: readonly Index[]
  /** By the name of the relationship. */
  readonly references: Readonly<Record<string, Reference>>
}

export interface TableOptions<ColumnName extends string> {
  readonly primaryKey: readonly ColumnName[]
  /** Each list of columns is one index, in that order. */
  readonly indexes?: readonly (readonly ColumnName[])[]
  /** As `indexes`; two rows never agree on all columns of one. NULL equals nothing. */
  readonly unique?: readonly (readonly ColumnName[])[]
  /** By the name of the relationship: which columns hold the primary key of which table. */
  readonly references?: Readonly<
    Record<string, { readonly columns: readonly ColumnName[]; readonly table: Table }>
  >
}

/** Defines a table. @throws Error when a key, an index or a reference names a column that does not exist */
export function defineTable<const Name extends string, C extends Columns>(
  name: Name,
  columns: C,
  options: TableOptions<keyof C & string>,
): Table<Name, C> {
  const indexes = [
    ...(options.indexes ?? []).map((names) => ({ columns: names, isUnique: false })),
    ...(options.unique ?? []).map((names) => ({ columns: names, isUnique: true })),
  ]
  const references = Object.fromEntries(
    Object.entries(options.references ?? {}).map(([relation, { columns: names, table }]) => [
      relation,
      Object.freeze({ columns: names, table: table.name }),
    ]),
  )
  const referring = Object.values(references).map((reference) => reference.columns)
  for (const named of [options.primaryKey, ...indexes.map((index) => index.columns), ...referring]) {
    const unknown = named.find((columnName) => !(columnName in columns))
    if (unknown !== undefined) throw new Error(`table ${name} has no column ${unknown}`)
  }
  return Object.freeze({
    name,
    columns: Object.freeze(columns),
    primaryKey: options.primaryKey,
    indexes,
    references: Object.freeze(references),
  })
}
