/** Tells the records which ports are wired. */

import { cloudScope, NotHome, type State, type StateTransaction } from '@atoll/state'
import { ports } from '../records.ts'

export interface ReportedStatus {
  readonly portId: string
  /** The host that reports; what another host has meanwhile is not for it to say. */
  readonly hostName: string
  readonly status: 'ACTIVE' | 'DOWN'
}

const scope = cloudScope('network agent')

/** Throws when, as of this transaction, another process serves the host. */
export type ConfirmHost = (transaction: StateTransaction, hostName: string) => Promise<void>

/** Writes what differs, all of one host in one transaction: a host that is another's by then takes no other with it. */
export async function reportStatuses(
  state: State,
  confirm: ConfirmHost,
  reports: readonly ReportedStatus[],
): Promise<void> {
  const outcomes = await Promise.allSettled(
    [...Map.groupBy(reports, ({ hostName }) => hostName)].map(([hostName, ofHost]) =>
      state.transaction(async (transaction) => {
        await confirm(transaction, hostName)
        for (const report of ofHost) await reportStatus(transaction, report)
      }),
    ),
  )
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}

async function reportStatus(
  transaction: StateTransaction,
  { portId, hostName, status }: ReportedStatus,
): Promise<void> {
  const port = await transaction.find(scope, ports, portId)
  if (!port || port.binding_host !== hostName || port.status === status) return
  try {
    await transaction.update(ports, portId, { status })
  } catch (error) {
    // A port on its way to this site: it is reported at the next full pass, when its home is here.
    if (!NotHome.is(error)) throw error
  }
}
