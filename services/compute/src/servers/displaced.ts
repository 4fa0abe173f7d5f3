/** Servers whose place is gone for good: their record has come here, but neither their guest nor its host. */

import { addSpent, cloudScope, countSpent, type StateTransaction, usages } from '@atoll/state'
import type { NetworkForCompute } from '../network-for-compute.ts'
import { amountsOf, isSharedQuota } from '../quotas/quota.ts'
import { servers } from '../records.ts'
import { removeServer } from '../reports.ts'
import type { ServerRow } from './status.ts'

const scope = cloudScope('servers whose place is gone')

const LOST = 'The place where this server ran is lost, and its guest with it.'

/**
 * To be called in the transaction in which such a server comes here, after its ports. It counts in the quota here, and is in
 * ERROR, for its owner to delete; one that was to be deleted is gone. Its fence rises: a guest that turns up is a former one.
 */
export async function settleDisplacedServer(
  transaction: StateTransaction,
  server: ServerRow,
  network: Pick<NetworkForCompute, 'unbindOrDeletePorts'>,
): Promise<void> {
  await addSpent(transaction, amountsOf(server.project_id ?? '', server.flavor, 1))
  if (server.intent === 'deleted') return removeServer(transaction, { ...server, host: '' }, network)
  // One for which no place was found is in ERROR already, and says why.
  if (server.host === '') return
  await transaction.update(servers, server.id, {
    host: '',
    fence: server.fence + 1,
    vm_state: 'error',
    task_state: null,
    power_state: 0,
    launched_at: null,
    reboots_done: server.reboots_wanted,
    fault: { code: 500, message: LOST, created_ms: transaction.nowMs },
  })
}

/** Counts anew what the servers that are kept here spend of their projects' quotas. */
export async function recountQuotas(transaction: StateTransaction): Promise<void> {
  const used: Record<string, number> = {}
  for (const { resource } of await transaction.local(usages).select('resource').execute())
    if (isSharedQuota(resource)) used[resource] = 0
  const kept = await transaction
    .select(scope, servers)
    .select(['project_id', 'flavor'])
    .where('home', '=', transaction.site.name)
    .execute()
  for (const { project_id, flavor } of kept)
    for (const [resource, amount] of Object.entries(amountsOf(project_id ?? '', flavor, 1)))
      used[resource] = (used[resource] ?? 0) + amount
  await countSpent(transaction, used)
}
