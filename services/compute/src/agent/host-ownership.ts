/** Which hosts are this process's to work on. Where a site has several peers, that changes while they run. */

import type { State, StateTransaction } from '@atoll/state'

export interface HostOwnership {
  /** Whether this process works on the host, as far as it knows. */
  isOwn(hostName: string): boolean
  /** Throws when, as of this transaction, another process works on the host. */
  confirm(transaction: StateTransaction, hostName: string): Promise<void>
  /** Calls `listener` when a host was gained or lost, and waits for it. Returns how to stop that. */
  onChange(listener: (hostName: string, isOwn: boolean) => Promise<void> | void): () => void
}

/** Of the only peer of a site: every host is its own, for ever. */
export const soleOwner: HostOwnership = Object.freeze({
  isOwn: () => true,
  confirm: async () => {},
  onChange: () => () => {},
})

/** What reports need of the state. */
export type Reporting = Pick<State, 'transaction'>

/** `state` for what is written about one host: each transaction fails when the host is another's by then. */
export function fenced(state: State, ownership: HostOwnership, hostName: string): Reporting {
  return {
    transaction: (work) =>
      state.transaction(async (transaction) => {
        await ownership.confirm(transaction, hostName)
        return work(transaction)
      }),
  }
}
