/**
 * What clients did to a store of lists, and what they saw. Each value is appended once in a whole history, so that a list
 * tells which appends its reader had seen, and in which order (Kingsbury and Alvaro, "Elle", VLDB 2020, section 3).
 */

export type Step =
  | { readonly kind: 'append'; readonly key: string; readonly value: string }
  /** The list of one key. */
  | { readonly kind: 'read'; readonly key: string }
  /** The lists of all keys in `[from, to)` that have one, at most `limit`, in order. */
  | { readonly kind: 'scan'; readonly from: string; readonly to: string; readonly limit: number }
  /** The latest value of each key that has one, by way of an index of latest values, out of which those before go. */
  | { readonly kind: 'latest' }

/** A key as it was seen. */
export type Seen =
  | { readonly key: string; readonly list: readonly string[] }
  | { readonly key: string; readonly latest: string | undefined }

/** What happened in a transaction, in its order. */
export type Event =
  | { readonly kind: 'appended'; readonly key: string; readonly value: string }
  | ({ readonly kind: 'seen' } & Seen)

export interface Executed {
  /** Of the client and its transaction, for people. */
  readonly name: string
  /** Of an unknown one: what it was to append. */
  readonly events: readonly Event[]
  readonly outcome: 'committed' | 'aborted' | 'unknown'
  /** Places in the order of all begins and ends. The end of an unknown one is infinite. */
  readonly began: number
  readonly ended: number
}

export interface History {
  readonly executed: readonly Executed[]
  /** The lists when everything was over. */
  readonly final: ReadonlyMap<string, readonly string[]>
}
