/**
 * What is to be done next for one server on its host: a pure function of intent and world. The agent does it, looks
 * again, and asks anew, so any crash between two steps is only a step that is done twice.
 */

import type { GuestState } from '@atoll/hypervisor'
import { assertNever } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import type { servers } from '../records.ts'

export type Server = Row<typeof servers>

export type Step =
  | { readonly kind: 'none' }
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'reboot'; readonly mode: 'soft' | 'hard'; readonly number: number }
  | { readonly kind: 'destroy' }
  | { readonly kind: 'report-running' }
  /** `byGuest`: the guest shut itself down, and is left so. */
  | { readonly kind: 'report-stopped'; readonly byGuest: boolean }
  | { readonly kind: 'complete-deletion' }

const none: Step = { kind: 'none' }

export function planServer(server: Server, guest: GuestState | undefined): Step {
  switch (server.intent) {
    case 'deleted':
      return guest ? { kind: 'destroy' } : { kind: 'complete-deletion' }
    case 'stopped':
      return planStopped(server, guest)
    case 'running':
      return planRunning(server, guest)
    default:
      return assertNever(server.intent, 'intent')
  }
}

function planStopped(server: Server, guest: GuestState | undefined): Step {
  if (guest?.power === 'running' || guest?.power === 'paused') return { kind: 'stop' }
  const isReported = server.vm_state === 'stopped' && server.task_state === null
  return isReported ? none : { kind: 'report-stopped', byGuest: false }
}

function planRunning(server: Server, guest: GuestState | undefined): Step {
  if (server.vm_state === 'error' && server.task_state === null) return none
  const isUp = guest?.power === 'running' && guest.fence >= server.fence
  const hasReboot = server.reboots_wanted > server.reboots_done
  if (hasReboot && guest) {
    // A guest that is down has nothing to shut down softly.
    const mode = server.reboot_kind === 'SOFT' && isUp ? 'soft' : 'hard'
    return { kind: 'reboot', mode, number: server.reboots_wanted }
  }
  if (isUp)
    return server.vm_state === 'active' && server.task_state === null ? none : { kind: 'report-running' }
  // The owner's own shutdown inside the guest is respected; whatever else ended it was not wanted.
  const endedItself =
    guest?.power === 'shutdown' && server.vm_state === 'active' && server.task_state === null
  return endedItself ? { kind: 'report-stopped', byGuest: true } : { kind: 'start' }
}
