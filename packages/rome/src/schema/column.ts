/** Columns: the TypeScript type of a value and how a store keeps it, in one frozen value. */

/** What a store must be able to keep. `json` is any JSON value, `boolean` is never NULL by accident. */
export type ColumnKind = 'text' | 'integer' | 'real' | 'boolean' | 'json' | 'blob'

export interface Column<Value> {
  readonly kind: ColumnKind
  readonly isNullable: boolean
  /** What old rows get when the column is added to an existing table; required for columns that are not nullable. */
  readonly fallback: unknown
  /** Carries the type of the value; never set at run time. */
  readonly value?: Value
  nullable(): Column<Value | null>
}

/** Text in Unicode, compared by code point. */
export const text = <Value extends string = string>(fallback = ''): Column<Value> => column('text', fallback)
/** A whole number within ±2^53. */
export const integer = <Value extends number = number>(fallback = 0): Column<Value> =>
  column('integer', fallback)
/** An IEEE 754 double. */
export const real = (fallback = 0): Column<number> => column('real', fallback)
export const boolean = (fallback = false): Column<boolean> => column('boolean', fallback)
/** Any JSON value, kept as text. A query cannot look inside. */
export const json = <Value>(fallback: Value): Column<Value> => column('json', fallback)
/** Bytes. */
export const blob = (): Column<Uint8Array> => column('blob', new Uint8Array())

function column<Value>(kind: ColumnKind, fallback: unknown, isNullable = false): Column<Value> {
  return Object.freeze({
    kind,
    isNullable,
    fallback: isNullable ? null : fallback,
    nullable: () => column<Value | null>(kind, null, true),
  })
}
