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

/** Writes what differs, all in one transaction. */
export async function reportStatuses(state: State, reports: readonly ReportedStatus[]): Promise<void> {
  await state.transaction(async (transaction) => {
    for (const report of reports) await reportStatus(transaction, report)
  })
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
