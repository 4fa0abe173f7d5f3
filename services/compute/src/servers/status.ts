/** The one word that sums a server up, derived from its two states and from whether its home can be reached. */

import type { Row } from '@atoll/rome'
import type { Freshness } from '../dependencies.ts'
import type { servers, VmState } from '../records.ts'

export type ServerRow = Row<typeof servers>

export type ServerStatus =
  | 'ACTIVE'
  | 'BUILD'
  | 'DELETED'
  | 'ERROR'
  | 'HARD_REBOOT'
  | 'REBOOT'
  | 'SHUTOFF'
  | 'UNKNOWN'

const byVmState: Readonly<Record<VmState, ServerStatus>> = {
  building: 'BUILD',
  active: 'ACTIVE',
  stopped: 'SHUTOFF',
  error: 'ERROR',
  deleted: 'DELETED',
}

/** Of a record whose home cannot be reached nobody knows what became of it: UNKNOWN, as Nova has it since 2.69. */
export function statusOf(server: ServerRow, freshness: Freshness): ServerStatus {
  if (server.deleted_at !== null) return 'DELETED'
  if (!freshness.isReachable(server)) return 'UNKNOWN'
  if (server.vm_state === 'active' && server.task_state === 'rebooting') return 'REBOOT'
  if (server.vm_state === 'active' && server.task_state === 'rebooting_hard') return 'HARD_REBOOT'
  return byVmState[server.vm_state]
}

/** The states in which a server can have one of these statuses; undefined when any could. */
export function vmStatesOf(statuses: readonly string[]): VmState[] | undefined {
  if (statuses.includes('UNKNOWN') || statuses.includes('DELETED')) return undefined
  const states = Object.entries(byVmState) as [VmState, ServerStatus][]
  return states.flatMap(([state, status]) => {
    const isReboot = state === 'active' && statuses.some((word) => word.endsWith('REBOOT'))
    return statuses.includes(status) || isReboot ? [state] : []
  })
}

/** All words of Nova, ours or not: a filter by any of them is valid, though some find nothing. */
export const NOVA_STATUSES: ReadonlySet<string> = new Set([
  ...Object.values(byVmState),
  'HARD_REBOOT',
  'MIGRATING',
  'PASSWORD',
  'PAUSED',
  'REBOOT',
  'REBUILD',
  'RESCUE',
  'RESIZE',
  'REVERT_RESIZE',
  'SHELVED',
  'SHELVED_OFFLOADED',
  'SOFT_DELETED',
  'SUSPENDED',
  'UNKNOWN',
  'VERIFY_RESIZE',
])
