import assert from 'node:assert/strict'
import test from 'node:test'
import type { Contact } from '../protocol/contact.ts'
import type { Message } from '../protocol/message.ts'
import { chooseGuardians, type GuardianCandidate } from './guardians.ts'
import { Lookup } from './lookup.ts'
import { readRingMessage } from './messages.ts'
import { alongRing, hostKey, isWithin, keyAfter, keyOf, type RingKey, siteKey } from './ring-key.ts'
import { type Neighbour, neighbour, RingTable } from './ring-table.ts'
import type { LookupListener, StructuredOverlay } from './structured-overlay.ts'
import { SwitchableOverlay } from './switchable-overlay.ts'
import { walkOrder } from './walk-order.ts'

const key = (digits: string) => digits.padEnd(32, '0') as RingKey
const contact = (site: string): Contact => ({ site, addresses: [] })
/** A neighbour at a place that the test chooses. */
const placed = (digits: string): Neighbour => ({ contact: contact(`s${digits}`), key: key(digits) })

test('the hosts of one site lie side by side, after the site', () => {
  const [site, one, other] = [siteKey('east'), hostKey('east', 'one'), hostKey('east', 'other')]
  assert.equal(one.slice(0, 16), site.slice(0, 16))
  assert.ok(site < one && one !== other)
  assert.notEqual(siteKey('west').slice(0, 16), site.slice(0, 16))
  assert.equal(keyOf('image').length, 32)
})

test('a stretch of the ring may go over its end', () => {
  const within = (at: string, after: string, upTo: string) =>
    isWithin(key(at), { after: key(after), upTo: key(upTo) })
  assert.ok(within('5', '1', '9') && within('9', '1', '9') && !within('1', '1', '9'))
  assert.ok(within('f', 'e', '2') && within('1', 'e', '2') && !within('5', 'e', '2'))
  assert.ok(within('5', '3', '3') && within('3', '3', '3'))
})

test('a power of two further on may go over the end', () => {
  assert.equal(keyAfter(key('f'), 124), key('0'))
  assert.equal(keyAfter(key('1'), 0), `${key('1').slice(0, 31)}1`)
})

test('the order along the ring begins after its start', () => {
  const order = alongRing(key('8'))
  assert.deepEqual(['2', '8', '9', 'f', '0'].map(key).sort(order), ['9', 'f', '0', '2', '8'].map(key))
})

test('what the first successor says comes after it takes the place of what was known', () => {
  const table = new RingTable({ self: contact('self'), successorsMax: 3, rttMs: () => undefined })
  const order = alongRing(table.self.key)
  const all = ['a', 'b', 'c', 'd', 'e'].map((site) => neighbour(contact(site)))
  all.sort((left, right) => order(left.key, right.key))
  const [first, second, third, fourth, last] = all as [Neighbour, Neighbour, Neighbour, Neighbour, Neighbour]
  table.addSuccessors([last, second, first])
  assert.deepEqual(table.successors, [first, second, last])
  table.followSuccessor(first, [third, fourth])
  assert.deepEqual(table.successors, [first, third, fourth])
  table.delete(first.contact.site)
  assert.deepEqual(table.successors, [third, fourth])
  assert.ok(table.isBetterSuccessor(second) && !table.isBetterSuccessor(fourth))
})

test('of a finger’s stretch the nearest in time is kept', () => {
  const rttMs = (site: string) => Number(site.slice(4)) + 1
  const table = new RingTable({ self: contact('self'), successorsMax: 1, rttMs })
  const half = keyAfter(table.self.key, 127)
  const far = Array.from({ length: 40 }, (_, index) => neighbour(contact(`far-${39 - index}`))).filter(
    (one) => isWithin(one.key, { after: half, upTo: table.self.key }),
  )
  for (const one of far) table.addFinger(one)
  const [kept] = table.towards(table.self.key, 1)
  assert.equal(kept?.contact.site, far.at(-1)?.contact.site)
})

test('a lookup asks the closest before the key, then the first after it, and goes round the silent', () => {
  const lookup = new Lookup({ key: key('80'), self: placed('10'), questionsMax: 32, isLastTry: false })
  const [guide, closer, owner, next] = ['40', '70', '90', 'a0'].map(placed) as [
    Neighbour,
    Neighbour,
    Neighbour,
    Neighbour,
  ]
  lookup.add([guide])
  lookup.add([next])
  assert.deepEqual(lookup.next(), { kind: 'ask', to: guide, isLast: false })
  lookup.answered(guide)
  lookup.add([closer, owner])
  assert.deepEqual(lookup.next(), { kind: 'ask', to: closer, isLast: false })
  lookup.silent(closer)
  for (let tries = 0; tries < 4; tries++) {
    assert.deepEqual(lookup.next(), { kind: 'ask', to: owner, isLast: true })
    lookup.silent(owner)
  }
  assert.deepEqual(lookup.next(), { kind: 'ask', to: next, isLast: true })
})

test('a lookup in which nobody is left, or too many were asked, fails', () => {
  const lookup = new Lookup({ key: key('80'), self: placed('10'), questionsMax: 1, isLastTry: false })
  assert.equal(lookup.next().kind, 'failed')
  lookup.add([placed('90')])
  assert.equal(lookup.next().kind, 'ask')
  assert.equal(lookup.next().kind, 'failed')
})

test('who cannot say who is before it, or names a silent one, is believed at the last try only', () => {
  const [silent, one] = ['90', 'a0'].map(placed) as [Neighbour, Neighbour]
  for (const before of [undefined, silent])
    for (const isLastTry of [false, true]) {
      const lookup = new Lookup({ key: key('80'), self: placed('10'), questionsMax: 32, isLastTry })
      lookup.add([one])
      assert.deepEqual(lookup.next(), { kind: 'ask', to: one, isLast: true })
      lookup.denied(one, before)
      if (before)
        for (let tries = 0; tries < 4; tries++) {
          assert.deepEqual(lookup.next(), { kind: 'ask', to: before, isLast: true })
          lookup.silent(before)
        }
      assert.deepEqual(lookup.next(), isLastTry ? { kind: 'found', owner: one } : { kind: 'failed' })
    }
})

test('messages that make no sense are dropped, and odd contacts in them', () => {
  const read = (fields: object) => readRingMessage({ type: 'ring.find', version: 1, ...fields } as Message)
  assert.equal(read({ number: 1 }), undefined)
  assert.equal(read({ number: 1, key: 'XYZ' }), undefined)
  assert.equal(read({ number: 'a', key: key('1') }), undefined)
  const contacts = [
    null,
    contact('east'),
    { site: '..', addresses: [] },
    { site: 'west', addresses: [{ host: 5 }] },
  ]
  assert.deepEqual(read({ number: 1, key: key('1'), contacts })?.contacts, [contact('east')])
})

test('a walk sees the rest of its own site first, then one site after the other', () => {
  const hosts = ['east', 'west', 'north'].flatMap((site) => ['1', '2', '3'].map((host) => ({ site, host })))
  const order = walkOrder(hosts, { site: 'west', host: '2' })
  assert.equal(order.length, 8)
  const sites = order.map(({ site }) => site)
  assert.deepEqual(sites.slice(0, 2), ['west', 'west'])
  assert.equal(new Set(sites.slice(2, 5)).size, 1)
  assert.equal(new Set(sites.slice(5, 8)).size, 1)
  assert.deepEqual(walkOrder(hosts.toReversed(), { site: 'west', host: '2' }), order)
})

const candidate = (site: string, rttMs: number, ...domains: string[]): GuardianCandidate => ({
  site,
  rttMs,
  domains,
})

test('guardians share no label with the home or each other, and stand in no one place', () => {
  const { guardians, compromises } = chooseGuardians({
    home: 'home',
    domains: ['grid:north'],
    count: 3,
    candidates: [
      candidate('same-town', 0.4),
      candidate('same-grid', 20, 'grid:north'),
      candidate('one', 20, 'provider:x'),
      candidate('two', 25, 'provider:x'),
      candidate('three', 30),
      candidate('beside-three', 30),
      candidate('antipode', 280),
      candidate('four', 40),
    ],
    betweenMs: (site, other) => ([site, other].every((one) => one.endsWith('three')) ? 0.5 : 50),
  })
  assert.deepEqual(compromises, [])
  assert.equal(guardians.length, 3)
  for (const site of ['same-town', 'same-grid', 'antipode']) assert.ok(!guardians.includes(site), site)
  assert.ok(!(guardians.includes('one') && guardians.includes('two')))
  assert.ok(!(guardians.includes('three') && guardians.includes('beside-three')))
})

test('where there are not enough good guardians the least is given up, and said', () => {
  const options = { home: 'home', domains: ['grid:north'], betweenMs: () => 50 }
  const far = [candidate('near', 20), candidate('far', 150), candidate('farther', 250)]
  assert.deepEqual(chooseGuardians({ ...options, count: 2, candidates: far }), {
    guardians: ['near', 'far'],
    compromises: ['far'],
  })
  const poor = [candidate('near', 20), candidate('town', 0.3, 'grid:north')]
  assert.deepEqual(chooseGuardians({ ...options, count: 3, candidates: poor }), {
    guardians: ['near', 'town'],
    compromises: ['shared_domain', 'one_place'],
  })
})

test('guarding is shared: of 200 sites none guards more than four times its part', () => {
  const names = Array.from({ length: 200 }, (_, index) => `site-${index}`)
  const guarded = new Map<string, number>()
  for (const home of names) {
    const candidates = names.filter((name) => name !== home).map((name) => candidate(name, 30))
    const { guardians } = chooseGuardians({ home, domains: [], count: 3, candidates, betweenMs: () => 30 })
    for (const site of guardians) guarded.set(site, (guarded.get(site) ?? 0) + 1)
  }
  assert.ok(Math.max(...guarded.values()) <= 12, `${Math.max(...guarded.values())}`)
})

/** An overlay that knows one owner of everything. */
class Fixed implements StructuredOverlay {
  readonly types: readonly string[]
  readonly successors = []
  readonly predecessor = undefined
  isReady: boolean
  isRunning = false
  readonly #owner: Contact

  constructor(name: string, isReady: boolean) {
    this.types = [`${name}.ask`]
    this.isReady = isReady
    this.#owner = contact(name)
  }

  start(): void {
    this.isRunning = true
  }

  stop(): void {
    this.isRunning = false
  }

  receive(): void {}

  lookup(_key: RingKey, found: LookupListener): void {
    found(this.#owner)
  }

  hear(): void {}

  delete(): void {}
}

test('another structured overlay takes over at run time once it is ready, and until then the old one answers', () => {
  const [old, next] = [new Fixed('old', true), new Fixed('next', false)]
  const overlay = new SwitchableOverlay({ overlays: { old, next }, initial: 'old' })
  const owner = () => {
    let found: string | undefined
    overlay.lookup(key('1'), (one) => {
      found = one?.site
    })
    return found
  }
  overlay.start()
  overlay.switchTo('next')
  assert.equal(owner(), 'old')
  assert.ok(old.isRunning && next.isRunning)
  next.isReady = true
  assert.equal(owner(), 'next')
  assert.ok(!old.isRunning && next.isRunning)
  overlay.stop()
  assert.ok(!next.isRunning)
})
