/**
 * What the host agent reports of a server. Every report is idempotent, tolerates a server that was deleted
 * meanwhile, and counts only with the server's present fence: a late word of an earlier life changes nothing.
 */

import { AtollError } from '@atoll/kit'
import { cloudScope, type Patch, refundAll, type StateTransaction } from '@atoll/state'
import type { Reporting } from './agent/host-ownership.ts'
import { releaseHost } from './hosts/claim.ts'
import type { NetworkForCompute } from './network-for-compute.ts'
import { amountsOf } from './quotas/quota.ts'
import { servers } from './records.ts'
import type { ServerRow } from './servers/status.ts'

const scope = cloudScope('reports of hosts')

/** Nova's numbers for `power_state`. */
const POWER = { none: 0, running: 1, shutdown: 4 } as const

/** The guest runs. */
export function reportRunning(state: Reporting, id: string, fence: number): Promise<void> {
  return report(state, id, (server, nowMs) => {
    if (server.fence !== fence) return undefined
    const isRebooting = server.reboots_done < server.reboots_wanted
    const isStopping = server.intent !== 'running'
    return {
      vm_state: 'active',
      power_state: POWER.running,
      launched_at: server.launched_at ?? nowMs,
      fault: null,
      task_state: isRebooting || isStopping ? server.task_state : null,
    }
  })
}

/** The guest is down: as its owner asked, or `byGuest`, from inside, which is then what its owner wants. */
export function reportStopped(
  state: Reporting,
  id: string,
  fence: number,
  { byGuest }: { readonly byGuest: boolean },
): Promise<void> {
  return report(state, id, (server) => {
    const isWanted = server.intent === 'stopped' || byGuest
    if (server.fence !== fence || server.intent === 'deleted' || !isWanted) return undefined
    // A shutdown from inside that crossed with a wish for a reboot does not undo the wish.
    if (byGuest && server.reboots_done < server.reboots_wanted) return undefined
    return {
      intent: 'stopped',
      vm_state: 'stopped',
      power_state: POWER.shutdown,
      task_state: null,
      reboots_done: server.reboots_wanted,
    }
  })
}

/** The reboot of this number was performed, and with it all before it. */
export function reportRebooted(state: Reporting, id: string, fence: number, number: number): Promise<void> {
  return report(state, id, (server) => {
    if (server.fence !== fence || number <= server.reboots_done) return undefined
    const isLast = number >= server.reboots_wanted && server.intent === 'running'
    return {
      reboots_done: number,
      ...(isLast && { vm_state: 'active', power_state: POWER.running, task_state: null, fault: null }),
    }
  })
}

/** The agent gave up on what the owner wants. The client reads the message of an expected error, not of a bug. */
export function reportError(state: Reporting, id: string, error: unknown): Promise<void> {
  return report(state, id, (server, nowMs) => {
    const message =
      error instanceof AtollError
        ? error.publicMessage
        : 'The host could not do what was asked of the server.'
    return {
      vm_state: 'error',
      task_state: server.intent === 'deleted' ? server.task_state : null,
      reboots_done: server.reboots_wanted,
      fault: server.fault?.message === message ? server.fault : { code: 500, message, created_ms: nowMs },
    }
  })
}

/** The guest is gone: gives back ports, host and quota and leaves a tombstone. For a server to be deleted only. */
export async function completeDeletion(
  state: Reporting,
  id: string,
  network: Pick<NetworkForCompute, 'unbindOrDeletePorts'>,
): Promise<void> {
  await state.transaction(async (transaction) => {
    const server = await transaction.find(scope, servers, id)
    if (server?.intent === 'deleted') await removeServer(transaction, server, network)
  })
}

/** Releases everything a server holds and removes it, in the caller's transaction. */
export async function removeServer(
  transaction: StateTransaction,
  server: ServerRow,
  network: Pick<NetworkForCompute, 'unbindOrDeletePorts'>,
): Promise<void> {
  await network.unbindOrDeletePorts(transaction, {
    serverId: server.id,
    portIds: server.port_ids,
    ownPortIds: server.own_port_ids,
  })
  await releaseHost(transaction, server)
  await refundAll(transaction, amountsOf(server.project_id ?? '', server.flavor, 1))
  await transaction.remove(servers, server.id, {
    intent: 'deleted',
    vm_state: 'deleted',
    task_state: null,
    power_state: POWER.none,
  })
}

type ServerPatch = Patch<typeof servers>

// A report that says nothing new writes nothing, so that it may be repeated at will.
async function report(
  state: Reporting,
  id: string,
  change: (server: ServerRow, nowMs: number) => ServerPatch | undefined,
): Promise<void> {
  await state.transaction(async (transaction) => {
    const server = await transaction.find(scope, servers, id)
    const patch = server && change(server, transaction.nowMs)
    if (!patch) return
    const isNews = Object.entries(patch).some(([key, value]) => server[key as keyof ServerRow] !== value)
    if (isNews) await transaction.update(servers, id, patch)
  })
}
