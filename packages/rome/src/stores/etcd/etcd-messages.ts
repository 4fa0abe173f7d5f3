/** The parts of etcd's version 3 messages that we use, in the JSON of its gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway). */

import type { ByteString } from '../key-value/key-value-store.ts'

/** Bytes in base64. */
export type Encoded = string

export interface RangeOperation {
  readonly key: Encoded
  /** Absent: this key alone. */
  readonly range_end?: Encoded
  readonly limit?: number
  readonly sort_order?: 'DESCEND'
  readonly sort_target?: 'KEY'
  /** Absent: the latest. */
  readonly revision?: string
}

export type Operation =
  | { readonly requestRange: RangeOperation }
  | { readonly requestPut: { readonly key: Encoded; readonly value: Encoded } }
  | { readonly requestDeleteRange: { readonly key: Encoded; readonly range_end?: Encoded } }
  | { readonly requestTxn: { readonly success: readonly Operation[] } }

export type Comparison =
  | { readonly target: 'VALUE'; readonly key: Encoded; readonly value: Encoded }
  /** Holds when there is no such key, or none in the range. */
  | {
      readonly target: 'VERSION'
      readonly key: Encoded
      readonly range_end?: Encoded
      readonly version: 0
    }

export interface TxnRequest {
  readonly compare?: readonly Comparison[]
  readonly success: readonly Operation[]
  readonly failure?: readonly Operation[]
}

/** Numbers come as text, and whatever is zero, false or empty does not come at all. */
export interface RangeResponse {
  readonly kvs?: readonly { readonly key: Encoded; readonly value?: Encoded }[]
  readonly more?: boolean
}

export interface TxnResponse {
  readonly header: { readonly revision: string }
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: RangeResponse }[]
}

export interface StatusResponse {
  readonly version: string
  /** Absent while there is none. */
  readonly leader?: string
  /** Alarms. */
  readonly errors?: readonly string[]
}

export interface WatchMessage {
  readonly result?: {
    readonly canceled?: boolean
    readonly events?: readonly { readonly kv?: { readonly value?: Encoded } }[]
  }
}

export function toBase64(bytes: ByteString): Encoded {
  return Buffer.from(bytes, 'latin1').toString('base64')
}

export function fromBase64(encoded: Encoded | undefined): ByteString {
  return encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('latin1')
}

/** Operations of one request, as few requests nested in it as its limit allows. */
const OPERATIONS_MAX = 128

/**
 * etcd takes 128 operations (`--max-txn-ops`), nested requests counted by what they leave of it to each of theirs: 64 of 64
 * are 4096, in one transaction all the same.
 */
export function nest(operations: readonly Operation[]): readonly Operation[] {
  if (operations.length <= OPERATIONS_MAX) return operations
  const size = OPERATIONS_MAX / 2
  const nested: Operation[] = []
  for (let from = 0; from < operations.length; from += size)
    nested.push({ requestTxn: { success: operations.slice(from, from + size) } })
  return nested
}

export function chunksOf<Item>(items: readonly Item[]): Item[][] {
  const chunks: Item[][] = []
  for (let from = 0; from < items.length; from += OPERATIONS_MAX)
    chunks.push(items.slice(from, from + OPERATIONS_MAX))
  return chunks
}
