import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import type { Descriptor, PlannedState } from '../membership/descriptor.ts'
import { VirtualClock } from '../testing.ts'
import { MemberTable } from './member-table.ts'

function descriptorOf(site: string, incarnation = 1, state: PlannedState = 'alive'): Descriptor {
  const signed = { text: '', signature: `${site} ${incarnation}`, credential: '' }
  return { contact: { site, addresses: [] }, incarnation, state, signed }
}

function tableOf(count: number) {
  const clock = new VirtualClock()
  const table = new MemberTable({ site: 'self', clock })
  for (let index = 0; index < count; index++) table.learn(descriptorOf(`site-${index}`))
  return { clock, table }
}

test('a newer descriptor clears a suspicion, an older one says nothing', () => {
  const { table, clock } = tableOf(1)
  const member = table.find('site-0')
  assert.ok(member)
  clock.advance(5000)
  table.setState(member, 'suspect')
  assert.equal(table.learn(descriptorOf('site-0', 1)), false)
  assert.equal(member.state, 'suspect')
  assert.equal(member.sinceMs, 5000)
  assert.equal(table.learn(descriptorOf('site-0', 2)), true)
  assert.equal(member.state, 'alive')
})

test('a planned state comes from the site itself, and is no fault', () => {
  const { table } = tableOf(2)
  table.learn(descriptorOf('site-0', 2, 'dormant'))
  assert.equal(table.find('site-0')?.state, 'dormant')
  assert.equal(table.here, 1)
  assert.deepEqual(
    table.next(5).map(({ site }) => site),
    ['site-1'],
  )
})

test('every site is watched by as many as it watches, whoever is asked', () => {
  const names = Array.from({ length: 50 }, (_, index) => `site-${index}`)
  const watchers = new Map<string, number>()
  for (const own of names) {
    const table = new MemberTable({ site: own, clock: new VirtualClock() })
    for (const name of names) table.learn(descriptorOf(name))
    for (const { site } of table.next(3)) watchers.set(site, (watchers.get(site) ?? 0) + 1)
  }
  assert.deepEqual(new Set(watchers.values()), new Set([3]))
  assert.equal(watchers.size, 50)
})

test('those that are cut are passed over, and the next is watched in their place', () => {
  const { table } = tableOf(10)
  const [first, second] = table.next(2)
  assert.ok(first && second)
  table.setState(first, 'cut')
  assert.equal(table.next(1)[0], second)
})

test('a sample holds the living only, none twice, and not the one left out', () => {
  const { table } = tableOf(10)
  const [cut, leftOut] = table.next(2)
  assert.ok(cut && leftOut)
  table.setState(cut, 'cut')
  const random = seededRandom(3)
  for (let times = 0; times < 100; times++) {
    const sample = table.sample(4, random, leftOut)
    assert.equal(new Set(sample).size, sample.length)
    assert.ok(!sample.includes(cut) && !sample.includes(leftOut))
  }
})

test('each change is told once, with the state before', () => {
  const { table } = tableOf(1)
  const told: string[] = []
  table.onChange((member, before) => told.push(`${member.site} ${before} ${member.state}`))
  table.learn(descriptorOf('north'))
  const member = table.find('north')
  assert.ok(member)
  table.setState(member, 'suspect')
  table.setState(member, 'suspect')
  table.setState(member, 'cut')
  assert.deepEqual(told, ['north undefined alive', 'north alive suspect', 'north suspect cut'])
})
