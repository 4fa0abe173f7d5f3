import assert from 'node:assert/strict'
import test from 'node:test'
import { Supervisor, silentLogger } from '@atoll/kit'
import { MemberTable } from '../faults/member-table.ts'
import type { Descriptor, PlannedState } from '../membership/descriptor.ts'
import { until, VirtualClock } from '../testing.ts'
import { notifyOfMembers } from './member-notifications.ts'
import { type Notification, Notifications } from './notifications.ts'

function descriptorOf(site: string, incarnation = 1, state: PlannedState = 'alive'): Descriptor {
  const signed = { text: '', signature: `${site} ${incarnation}`, credential: '' }
  return { contact: { site, addresses: [] }, incarnation, state, signed }
}

test('subscribers hear of joins, states and neighbours, each of what it asked for', async () => {
  const clock = new VirtualClock()
  const supervisor = new Supervisor({ clock, log: silentLogger })
  const notifications = new Notifications()
  const table = new MemberTable({ site: 'self', clock })
  notifyOfMembers({ table, notifications, neighbours: 2 })
  const seen: Notification[] = []
  const joins: string[] = []
  supervisor.start(
    notifications.subscribe({
      name: 'all',
      kinds: ['joined', 'state', 'neighbours'],
      handle: (notification) => void seen.push(notification),
    }),
  )
  supervisor.start(
    notifications.subscribe({
      name: 'joins',
      kinds: ['joined'],
      handle: (notification) => void (notification.kind === 'joined' && joins.push(notification.site)),
    }),
  )
  table.learn(descriptorOf('east'))
  table.learn(descriptorOf('east', 2, 'dormant'))
  await until(() => seen.length === 3 && joins.length === 1, 'three notifications')
  assert.deepEqual(joins, ['east'])
  assert.deepEqual(seen, [
    { kind: 'joined', site: 'east' },
    { kind: 'state', site: 'east', state: 'dormant', before: 'alive', sinceMs: 0 },
    { kind: 'neighbours', sites: [] },
  ])
  await supervisor.stop()
})

test('a subscriber that fails is started again, and the others do not notice', async () => {
  const clock = new VirtualClock()
  const supervisor = new Supervisor({ clock, log: silentLogger, backoffMs: 100 })
  const notifications = new Notifications()
  const [broken, whole]: string[][] = [[], []]
  const note = (list: string[]) => (notification: Notification) => {
    if (notification.kind === 'joined') list.push(notification.site)
  }
  supervisor.start(
    notifications.subscribe({
      name: 'broken',
      kinds: ['joined'],
      handle: (notification) => {
        note(broken ?? [])(notification)
        if (broken?.length === 1) throw new Error('the first one is too much')
      },
    }),
  )
  supervisor.start(notifications.subscribe({ name: 'whole', kinds: ['joined'], handle: note(whole ?? []) }))
  for (const site of ['a', 'b', 'c']) notifications.publish({ kind: 'joined', site })
  await until(() => whole?.length === 3 && broken?.length === 1, 'all at the whole one')
  clock.advance(200)
  await until(() => broken?.length === 3, 'the rest at the broken one')
  assert.deepEqual(broken, ['a', 'b', 'c'])
  await supervisor.stop()
})

test('for a slow subscriber only the latest of each subject waits', async () => {
  const supervisor = new Supervisor({ clock: new VirtualClock(), log: silentLogger })
  const notifications = new Notifications()
  const seen: number[] = []
  const subscription = notifications.subscribe({
    name: 'slow',
    kinds: ['distance'],
    handle: (notification) => void (notification.kind === 'distance' && seen.push(notification.rttMs)),
  })
  for (let rttMs = 1; rttMs <= 100; rttMs++) notifications.publish({ kind: 'distance', site: 'east', rttMs })
  for (let index = 0; index < 5000; index++)
    notifications.publish({ kind: 'distance', site: `site-${index}`, rttMs: 1 })
  assert.equal(subscription.missed, 905)
  supervisor.start(subscription)
  await until(() => seen.length === 4096, 'all that waited')
  await supervisor.stop()
})
