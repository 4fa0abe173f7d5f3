/** What networks, subnets and ports have in common: one value says all that their endpoints must know. */

import type { Context, Writes } from '@atoll/http'
import type { ErrorFactory } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import type { Reader, RecordTable, StateTransaction } from '@atoll/state'
import type { Static, TObject } from 'typebox'

/** A request whatever its query and body. */
export type AnyContext = Context<unknown, unknown>

/** Who asks: the part of a request's context that decisions are made by. */
export type Actor = Pick<AnyContext, 'authorization' | 'scope' | 'authorize' | 'allows'>

/** How a list is narrowed by an attribute: in the store, by what is the same for all, or by looking at each row. */
export type Attribute<R> =
  | { readonly column: keyof R & string; readonly rule?: string }
  | { readonly constant: string | number | boolean | null; readonly rule?: string }
  /** `values` are all that the query gave for it. */
  | { readonly matches: (row: R, values: readonly string[]) => boolean; readonly rule?: string }

export interface Resource<T extends RecordTable, Create extends TObject, Update extends TObject> {
  readonly singular: string
  readonly plural: string
  readonly table: T
  readonly notFound: ErrorFactory<{ id: string }>
  readonly createSchema: Create
  readonly updateSchema: Update
  /** What a list can be filtered by; those of a column can be sorted by, too. `rule` says for whom. */
  readonly attributes: Readonly<Record<string, Attribute<Row<T>>>>
  /** Names that clients see but never set in this way, so that they are told so instead of "unrecognized". */
  readonly readOnly: readonly string[]
  /** What clients read, in the order of `rows`. */
  view(reader: Reader, actor: Actor, rows: readonly Row<T>[]): Promise<readonly object[]>
  /** Inside a transaction nothing but its queries may be awaited. */
  create(transaction: StateTransaction, actor: Actor, body: Static<Create>): Promise<Row<T>>
  update(transaction: StateTransaction, actor: Actor, row: Row<T>, body: Static<Update>): Promise<Row<T>>
  remove(transaction: StateTransaction, actor: Actor, row: Row<T>): Promise<void>
  /** Which record the making of these writes beside their own; undefined when they simply live where they are made. */
  readonly writesOnCreate?: (bodies: readonly Static<Create>[]) => Promise<Writes | undefined>
}
