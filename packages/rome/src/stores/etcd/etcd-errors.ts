/** What etcd and the way to it say, as our errors. */

import { OutcomeUnknown, StoreFull, StoreMisconfigured, StoreUnavailable } from '../../errors.ts'
import { EtcdAway, EtcdRefusal } from './etcd-client.ts'

const INVALID_ARGUMENT = 3
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const OUT_OF_RANGE = 11
const UNAUTHENTICATED = 16

/** The typed error, or `error` itself when it is a bug of ours. */
export function translateEtcdError(
  error: unknown,
  { description, isCommit }: { readonly description: string; readonly isCommit: boolean },
): unknown {
  const cause = { cause: error }
  if (error instanceof EtcdAway)
    return isCommit && error.mayBeDone
      ? OutcomeUnknown({ store: description }, cause)
      : StoreUnavailable({ path: description, reason: error.message }, cause)
  if (!(error instanceof EtcdRefusal)) return error
  switch (error.code) {
    case RESOURCE_EXHAUSTED:
      return StoreFull(
        {
          reason:
            'The quota of etcd is used up. Compact, defragment and disarm its alarm, or raise --quota-backend-bytes',
        },
        cause,
      )
    case INVALID_ARGUMENT:
      return StoreMisconfigured(
        {
          path: description,
          advice: `${error.message}. Leave --max-txn-ops and --max-request-bytes at their defaults or above.`,
        },
        cause,
      )
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return StoreUnavailable({ path: description, reason: `etcd refuses us: ${error.message}` }, cause)
    default:
      return StoreUnavailable({ path: description, reason: error.message }, cause)
  }
}

/** There is no space: for what was asked, or for anything after it. */
export function isFull(error: unknown): boolean {
  return error instanceof EtcdRefusal && error.code === RESOURCE_EXHAUSTED
}

/** What was asked for at a revision that is compacted meanwhile. */
export function isCompacted(error: unknown): boolean {
  return error instanceof EtcdRefusal && error.code === OUT_OF_RANGE
}
