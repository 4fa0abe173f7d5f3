/**
 * What is to be done next for one server on its host: a pure function of intent and world. The agent does it, looks
 * again, and asks anew, so any crash between two steps is only a step that is done twice.
 */

import type { GuestState } from '@atoll/hypervisor'
import { assertNever } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import type { servers } from '../records.ts'

export type Server = Row<typeof servers>

/** What the plan reads of a server. */
export type Intent = Pick<
  Server,
  'intent' | 'vm_state' | 'task_state' | 'fence' | 'reboots_wanted' | 'reboots_done' | 'reboot_kind'
>

export type Step =
  | { readonly kind: 'none' }
  /** `reboots`: up to this number, the reboots that its owner asked for are done with the start. */
  | { readonly kind: 'start'; readonly reboots: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'reboot'; readonly mode: 'soft' | 'hard'; readonly number: number }
  /** Guest first, since its ports, and with them its taps, go with the record. */
  | { readonly kind: 'delete' }
  | { readonly kind: 'report-running' }
  /** `byGuest`: the guest shut itself down, and is left so. */
  | { readonly kind: 'report-stopped'; readonly byGuest: boolean }

const none: Step = { kind: 'none' }

/** @param guest what the server's host has of it */
export function planServer(server: Intent, guest: Pick<GuestState, 'power' | 'fence'> | undefined): Step {
  switch (server.intent) {
    case 'deleted':
      return { kind: 'delete' }
    case 'stopped':
      return planStopped(server, guest)
    case 'running':
      return planRunning(server, guest)
    default:
      return assertNever(server.intent, 'intent')
  }
}

function planStopped(server: Intent, guest: Pick<GuestState, 'power'> | undefined): Step {
  if (isUp(guest)) return { kind: 'stop' }
  const isReported = server.vm_state === 'stopped' && server.task_state === null
  return isReported ? none : { kind: 'report-stopped', byGuest: false }
}

function planRunning(server: Intent, guest: Pick<GuestState, 'power' | 'fence'> | undefined): Step {
  const isAtRest = server.task_state === null
  const hasReboot = server.reboots_wanted > server.reboots_done
  // The agent gave up on it, and its owner has asked for nothing since.
  if (server.vm_state === 'error' && isAtRest && !hasReboot) return none
  const isOurs = guest !== undefined && guest.fence >= server.fence
  if (isUp(guest) && isOurs && hasReboot) {
    // A paused guest cannot answer the power button.
    const mode = server.reboot_kind === 'SOFT' && guest?.power === 'running' ? 'soft' : 'hard'
    return { kind: 'reboot', mode, number: server.reboots_wanted }
  }
  if (guest?.power === 'running' && isOurs) {
    return server.vm_state === 'active' && isAtRest ? none : { kind: 'report-running' }
  }
  // The owner's own shutdown inside the guest is respected; whatever else ended it was not wanted.
  const endedItself = guest?.power === 'shutdown' && server.vm_state === 'active' && isAtRest && !hasReboot
  if (endedItself) return { kind: 'report-stopped', byGuest: true }
  // A start boots a guest that is down, and only resumes or takes over one that is up.
  return { kind: 'start', reboots: isUp(guest) ? server.reboots_done : server.reboots_wanted }
}

function isUp(guest: Pick<GuestState, 'power'> | undefined): boolean {
  return guest?.power === 'running' || guest?.power === 'paused'
}
