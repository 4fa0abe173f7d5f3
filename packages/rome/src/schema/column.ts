/** Columns: the TypeScript type of a value and how a store keeps it, in one frozen value. */

/** What a store must be able to keep. `json` is any JSON value, `boolean` is never NULL by accident. */
export type ColumnKind = 'text' | 'integer' | 'real' | 'boolean' | 'json' | 'blob'

export interface Column<Value> {
  readonly kind: ColumnKind
  readonly isNullable: boolean
  /** What old rows get when the column is added to an existing table; required for columns that are not nullable. */
  readonly fallback: unknown
  /** Whether it takes numbers of commits: see `commitNumber`. */
  readonly isNumbered: boolean
  /** Whether it may be longer than a SQL server can index in whole: see `longText`. */
  readonly isLong: boolean
  /** Carries the type of the value; never set at run time. */
  readonly value?: Value
  nullable(): Column<Value | null>
}

/** Text in Unicode, compared by code point. */
export const text = <Value extends string = string>(fallback = ''): Column<Value> => column('text', fallback)
/**
 * Text of any length in a column that an index names. SQL servers index its beginning only, so that it can be part of no
 * unique constraint; other text may have 255 characters where it is indexed on MariaDB, and less in wide indexes.
 */
export const longText = (fallback = ''): Column<string> => column('text', fallback, { isLong: true })
/** A whole number within ±2^53. */
export const integer = <Value extends number = number>(fallback = 0): Column<Value> =>
  column('integer', fallback)
/**
 * A whole number that the store gives at the commit, rising in commit order; `Transaction.nextNumber()` stands for it
 * until then. It may also keep a plain number below 2^52: one that another store has given.
 */
export const commitNumber = (): Column<number> => column('integer', 0, { isNumbered: true })
/** An IEEE 754 double. */
export const real = (fallback = 0): Column<number> => column('real', fallback)
export const boolean = (fallback = false): Column<boolean> => column('boolean', fallback)
/** Any JSON value, kept as text. A query cannot look inside. */
export const json = <Value>(fallback: Value): Column<Value> => column('json', fallback)
/** Bytes. */
export const blob = (): Column<Uint8Array> => column('blob', new Uint8Array())

function column<Value>(
  kind: ColumnKind,
  fallback: unknown,
  { isNullable = false, isNumbered = false, isLong = false } = {},
): Column<Value> {
  return Object.freeze({
    kind,
    isNullable,
    isNumbered,
    isLong,
    fallback: isNullable ? null : fallback,
    nullable: () => column<Value | null>(kind, null, { isNullable: true, isNumbered, isLong }),
  })
}
