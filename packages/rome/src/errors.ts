/**
 * What can go wrong with a store, in words that tell an operator what to do. Clients do not hear where the store is, nor what its
 * server said.
 */

import { defineError } from '@atoll/kit'

const NOT_NOW = 'The state of this site cannot be read or written at the moment. Try again later.'
const CANNOT_BE_USED = 'The state of this site cannot be used until its operator has mended it.'

export const UniqueViolation = defineError({
  code: 'rome.unique_violation',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ table, columns }: { table: string; columns: readonly string[] }) =>
    `A row of ${table} with the same ${columns.join(', ')} exists already.`,
})

export const StoreCorrupt = defineError({
  code: 'rome.store.corrupt',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path }: { path: string }) =>
    `The store ${path} is damaged or is no SQLite file. Move it away and restore a copy, or let the site join the cloud anew.`,
  publicMessage: () => CANNOT_BE_USED,
})

export const StoreNewer = defineError({
  code: 'rome.store.newer',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path, version, known }: { path: string; version: number; known: number }) =>
    `The store ${path} was written by a newer Atoll (schema ${version}, this one knows up to ${known}). Start the newer version.`,
  publicMessage: () => CANNOT_BE_USED,
})

export const StoreFull = defineError({
  code: 'rome.store.full',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ reason }: { reason?: string }) =>
    `${reason ?? 'The disk of the store is full. Free some space'}; nothing of the request was written.`,
  publicMessage: () =>
    'There is no space left for the state of this site; nothing of the request was written.',
})

export const StoreInUse = defineError({
  code: 'rome.store.in_use',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path }: { path: string }) =>
    `The store ${path} is in use by another peer. Stop that one first, or give this one a data directory of its own.`,
  publicMessage: () => NOT_NOW,
})

export const StoreUnavailable = defineError({
  code: 'rome.store.unavailable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path, reason }: { path: string; reason: string }) =>
    `The store ${path} cannot be read or written: ${reason}`,
  publicMessage: () => NOT_NOW,
})

/** What an operator must change at a server before it can keep what it acknowledges. */
export const StoreMisconfigured = defineError({
  code: 'rome.store.misconfigured',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path, advice }: { path: string; advice: string }) =>
    `The store ${path} would lose what it has acknowledged, or cannot be used: ${advice}`,
  publicMessage: () => CANNOT_BE_USED,
})

/** The URL of a store is none, or asks for what there is not. It is never shown: it may hold a password. */
export const StoreUrlInvalid = defineError({
  code: 'rome.store.url_invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) => `The URL of the store cannot be used: ${reason}`,
})

/** Another transaction changed what this one has read. Callers of `Store.transaction` see it only when it goes on happening. */
export const TransactionConflict = defineError({
  code: 'rome.transaction.conflict',
  status: 409,
  fault: 'conflictingRequest',
  message: () => 'Others were changing the same data at the same time; try again.',
})

/** More than one commit of this store, or than the cache of this peer, can hold. */
export const TransactionTooLarge = defineError({
  code: 'rome.transaction.too_large',
  status: 413,
  fault: 'overLimit',
  message: () =>
    'The request changes or reads more at once than the store can take. Split it; nothing of it was written.',
})

/** The answer of the store was lost: the commit may be durable or not. */
export const OutcomeUnknown = defineError({
  code: 'rome.store.outcome_unknown',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ store }: { store: string }) =>
    `The connection to the store ${store} was lost during a commit: the request may have been carried out. Look before you repeat it.`,
  publicMessage: () =>
    'The state of this site was out of reach while the request was written: it may have been carried out. Look before you repeat it.',
})

export const StoreKindUnknown = defineError({
  code: 'rome.store.kind_unknown',
  status: 400,
  fault: 'badRequest',
  message: ({ scheme, known }: { scheme: string; known: readonly string[] }) =>
    `There is no kind of store named ${scheme}. There are: ${known.join(', ')}.`,
})

/** Every peer that shares the store is refused until the server takes writes again. */
export const StoreReadOnly = defineError({
  code: 'rome.store.read_only',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ store }: { store: string }) =>
    `The server of the store ${store} takes no writes now (a replica, or set to read only); nothing of the request was written.`,
  publicMessage: () => NOT_NOW,
})

/** A value that SQLite would keep and this store cannot. */
export const ValueRefused = defineError({
  code: 'rome.value_refused',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) => `A value of the request cannot be stored: ${reason}`,
})

/** A key/value store runs the part of SQL that its guide names, and nothing else by accident. */
export const QueryNotSupported = defineError({
  code: 'rome.query.not_supported',
  status: 501,
  fault: 'computeFault',
  message: ({ what, fragment }: { what: string; fragment: string }) =>
    `The store cannot run a query with ${what}: ${fragment}`,
})

/** Callers that mean it ask for it by `allowScan`. */
export const ScanRefused = defineError({
  code: 'rome.query.scan_refused',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ table, rows, fragment }: { table: string; rows: number; fragment: string }) =>
    `A query would look at more than ${rows} rows of ${table}, as no index serves it: ${fragment}`,
})
