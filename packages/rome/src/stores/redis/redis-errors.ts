/** What a Redis says when it refuses (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors), as our errors. */

import { ErrorReply } from '@redis/client'
import { StoreFull, StoreMisconfigured, StoreUnavailable } from '../../errors.ts'

/** The connection is gone, or never was. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed'
  /** False when nothing can have reached the server. */
  readonly isSent: boolean

  constructor({ isSent, reason }: { isSent: boolean; reason: string }, options?: ErrorOptions) {
    super(reason, options)
    this.isSent = isSent
  }
}

/** The first word of an error reply is its kind; those of scripts carry the inner one in front, too. */
export function kindOf(error: Error): string {
  return error.message.split(' ', 1)[0] ?? ''
}

/** Worth another try on the same or another node within the same request; nothing was done. */
const PASSING: Readonly<Record<string, string>> = {
  LOADING: 'it is reading its data from disk',
  MASTERDOWN: 'it is a replica that has lost its primary',
  CLUSTERDOWN: 'the cluster does not serve all of its slots now',
  TRYAGAIN: 'a slot is being moved to another node',
  BUSY: 'it is busy with a script of someone else; `SCRIPT KILL` ends that',
  READONLY: 'it is a replica; name the primary',
  UNBLOCKED: 'it has just become a replica',
}

export function isPassing(error: Error): boolean {
  return kindOf(error) in PASSING
}

/** Refusals that only an operator can end. */
const LASTING: Readonly<Record<string, string>> = {
  MISCONF: 'it cannot write to its disk; see its log',
  NOREPLICAS: 'too few of its replicas are connected (min-replicas-to-write)',
  NOAUTH: 'it asks for a password; put it into the URL',
  WRONGPASS: 'it does not take the user and password of the URL',
  NOPERM: 'its user may not run what the store needs; see docs/stores.md for the permissions',
  DENIED: 'it is in protected mode; give it a password',
}

/** The typed error for what the server or the connection said; `error` itself when it is a bug of ours. */
export function translateRedisError(error: unknown, path: string): unknown {
  const cause = { cause: error }
  if (!(error instanceof Error)) return error
  if (error instanceof ConnectionFailed) return StoreUnavailable({ path, reason: error.message }, cause)
  const kind = kindOf(error)
  if (kind === 'OOM')
    return StoreFull(
      { reason: `The store ${path} has reached its maxmemory. Raise it or free some memory` },
      cause,
    )
  const reason = PASSING[kind] ?? LASTING[kind]
  if (kind === 'NOPERM') return StoreMisconfigured({ path, advice: `${reason}.` }, cause)
  if (reason !== undefined) return StoreUnavailable({ path, reason: `${reason}.` }, cause)
  // What it says besides is either ours to mend or new to us; whoever reads the log must see it.
  return error instanceof ErrorReply
    ? StoreUnavailable({ path, reason: `it said "${error.message}".` }, cause)
    : error
}
