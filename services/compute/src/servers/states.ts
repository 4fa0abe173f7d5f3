/** In which states a server may be asked what. */

import { ServerInState } from '../errors.ts'
import { ACTIONS_KEPT, type ServerAction, type TaskState, type VmState } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import type { ServerRow } from './status.ts'

export interface Demands {
  /** The word that Nova uses in its refusal. */
  readonly action: string
  readonly vmStates: readonly VmState[]
  /** Undefined: any. */
  readonly taskStates?: readonly (TaskState | null)[]
  readonly mustHaveLaunched?: boolean
}

/** @throws ServerInState */
export function checkState(server: ServerRow, demands: Demands): void {
  const { action, vmStates, taskStates, mustHaveLaunched = false } = demands
  const refuse = (attribute: string, state: string | null) =>
    ServerInState({ action, id: server.id, attribute, state: state ?? 'None' })
  if (!vmStates.includes(server.vm_state)) throw refuse('vm_state', server.vm_state)
  if (taskStates && !taskStates.includes(server.task_state)) throw refuse('task_state', server.task_state)
  if (mustHaveLaunched && server.launched_at === null) throw refuse('launched_at', null)
}

/** The server's actions with this request added, the latest first. */
export function withAction(
  server: ServerRow,
  { action, nowMs, context }: { action: string; nowMs: number; context: RequestContext },
): { readonly actions: readonly ServerAction[] } {
  const { requestId: request_id, authorization } = context
  const added = { action, request_id, user_id: authorization.userId, start_ms: nowMs }
  return { actions: [added, ...server.actions].slice(0, ACTIONS_KEPT) }
}
