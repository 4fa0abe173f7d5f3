/** What every view shows, as Neutron's standard attributes extensions have it. */

import type { AnyRecord } from '@atoll/state'

export function standardView({ project_id, created_at, updated_at, seq }: AnyRecord) {
  return {
    project_id: project_id ?? '',
    tenant_id: project_id ?? '',
    created_at: formatTime(created_at),
    updated_at: formatTime(updated_at ?? created_at),
    revision_number: seq,
  }
}

/** Names of `standardView`, none of which a client can change. */
export const STANDARD_READ_ONLY = ['id', 'created_at', 'updated_at', 'revision_number', 'status'] as const

function formatTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`
}
