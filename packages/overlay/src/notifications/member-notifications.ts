/** What changes in the table of members, as notifications. */

import type { MemberTable } from '../faults/member-table.ts'
import type { Notifications } from './notifications.ts'

export interface MemberNotificationsOptions {
  readonly table: MemberTable
  readonly notifications: Notifications
  /** How many sites on the ring are neighbours. */
  readonly neighbours: number
}

/** Publishes joins, states, and the neighbours when they have become others. Callers call it once for a table. */
export function notifyOfMembers({ table, notifications, neighbours }: MemberNotificationsOptions): void {
  let known = ''
  table.onChange(({ site, state, sinceMs }, before) => {
    if (before === undefined) notifications.publish({ kind: 'joined', site })
    else notifications.publish({ kind: 'state', site, state, before, sinceMs })
    const sites = table.next(neighbours).map((member) => member.site)
    const text = sites.join(' ')
    if (text === known) return
    known = text
    notifications.publish({ kind: 'neighbours', sites })
  })
}
