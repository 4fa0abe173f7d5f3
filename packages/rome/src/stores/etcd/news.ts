/** The head and the entries since a position, as a transaction answers with them first. */

import type { LogEntry, News, Position } from '../key-value/key-value-store.ts'
import { decodeEntry } from './entry-codec.ts'
import { fromBase64, type TxnResponse } from './etcd-messages.ts'

export interface Head {
  readonly position: Position
  readonly number: number
}

/** Before the first commit. */
export const NO_HEAD: Head = { position: 0, number: 0 }

export function headValue({ position, number }: Head): string {
  return `${position} ${number}`
}

export function parseHead(value: string): Head {
  if (value === '') return NO_HEAD
  const [position, number] = value.split(' ').map(Number)
  return { position: position ?? 0, number: number ?? 0 }
}

/** Reads what `newsOperations(after)` asked for; `entriesMax` as there. Whoever knows nothing has no news. */
export function readNews(reply: TxnResponse, after: Position | null, entriesMax: number): News {
  const [first, second] = reply.responses ?? []
  const head = parseHead(fromBase64(first?.response_range?.kvs?.[0]?.value))
  if (after === null) return { ...head, entries: [] }
  const missing = head.position - after
  if (missing < 0 || missing > entriesMax) return { ...head, entries: null }
  const entries = (second?.response_range?.kvs ?? []).map(
    ({ value }, index): LogEntry => decodeEntry(fromBase64(value), after + 1 + index),
  )
  return { ...head, entries: entries.length === missing ? entries : null }
}
