import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import type { Position } from '../positions/position.ts'
import { Positions } from '../positions/positions.ts'
import type { Contact } from '../protocol/contact.ts'
import type { Message } from '../protocol/message.ts'
import { VirtualClock } from '../testing.ts'
import { corrected, triangleBounds, within } from './estimate.ts'
import { Evidence } from './evidence.ts'
import type { SpiralMessage } from './messages.ts'
import { rankSites } from './ranking.ts'
import { Spiral } from './spiral.ts'

const at = (x: number): Position => ({ vector: [x, 0, 0, 0, 0, 0, 0, 0], heightMs: 0.5, error: 0.1 })
const contact = (site: string): Contact => ({ site, addresses: [] })

/** One spiral whose datagrams the test carries. */
function spiralAt(sites: Readonly<Record<string, number>>) {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const sent: { to: string; message: SpiralMessage }[] = []
  const positions = new Positions({ site: 'here', random, own: at(0) })
  for (const [site, x] of Object.entries(sites)) positions.heard(site, at(x))
  const spiral = new Spiral({
    environment: {
      clock,
      random,
      send: (to, message) => sent.push({ to: to.site, message: message as SpiralMessage }),
    },
    site: 'here',
    positions,
    contactOf: (site) => (site in sites ? contact(site) : undefined),
  })
  spiral.start()
  const tell = (site: string, fields: Partial<SpiralMessage>) =>
    spiral.receive(contact(site), {
      type: 'spiral.tell',
      version: 1,
      number: 9,
      answers: 0,
      ...fields,
    } as Message)
  return { clock, sent, positions, spiral, tell }
}

test('the best predicted are asked first, and what is measured counts instead of what was predicted', () => {
  const { clock, sent, spiral, tell } = spiralAt({ far: 300, near: 10, middle: 80 })
  clock.advance(1000)
  assert.deepEqual(
    sent.map(({ to }) => to),
    ['near', 'middle'],
  )
  clock.advance(45)
  tell('near', { answers: sent[0]?.message.number ?? 0, position: at(10) })
  assert.equal(sent.at(-1)?.message.type, 'spiral.thanks')
  const [first] = spiral.nearest(1)
  assert.equal(first?.site, 'near')
  assert.ok(first?.isMeasured && first.rttMs >= 45)
})

test('an answer that nobody asked for, or with another number, measures nothing', () => {
  const { clock, sent, spiral, tell } = spiralAt({ near: 10, liar: 200 })
  clock.advance(1000)
  const number = sent.find(({ to }) => to === 'near')?.message.number ?? 0
  tell('liar', { answers: number, position: at(0) })
  tell('near', { answers: number + 1, position: at(0) })
  assert.ok(spiral.nearest(2).every(({ isMeasured }) => !isMeasured))
})

test('a site that was asked measures by the thanks, not by what the asker says', () => {
  const { clock, sent, spiral } = spiralAt({ asker: 50 })
  spiral.receive(contact('asker'), { type: 'spiral.ask', version: 1, number: 4, answers: 0 } as Message)
  const tell = sent.find(({ message }) => message.type === 'spiral.tell')
  assert.equal(tell?.message.answers, 4)
  clock.advance(30)
  spiral.receive(contact('asker'), {
    type: 'spiral.thanks',
    version: 1,
    number: 0,
    answers: tell?.message.number ?? 0,
    position: at(50),
  } as Message)
  assert.deepEqual(spiral.nearest(1), [{ site: 'asker', rttMs: 30, isMeasured: true }])
})

test('messages that make no sense are dropped', () => {
  const { sent, spiral } = spiralAt({ near: 10 })
  for (const message of [
    { type: 'spiral.ask', version: 2, number: 1, answers: 0 },
    { type: 'spiral.ask', version: 1 },
    { type: 'spiral.ask', version: 1, number: 'x', answers: 0 },
    { type: 'other.ask', version: 1, number: 1, answers: 0 },
  ])
    spiral.receive(contact('near'), message)
  assert.deepEqual(sent, [])
  const nearest = [null, 5, { site: 'UP', rttMs: 1 }, { site: 'near', rttMs: Number.NaN }]
  spiral.receive(contact('near'), {
    type: 'spiral.ask',
    version: 1,
    number: 1,
    answers: 0,
    nearest,
  } as Message)
  assert.equal(sent.length, 1)
})

test('a site that does not answer is not asked for a while', () => {
  const { clock, sent } = spiralAt({ near: 10 })
  clock.advance(30_000)
  assert.equal(sent.filter(({ to }) => to === 'near').length, 2)
  clock.advance(60_000)
  assert.ok(sent.length > 2)
})

test('whoever left is forgotten', () => {
  const { positions, spiral } = spiralAt({ near: 10, far: 100 })
  positions.measured('near', at(10), 11)
  spiral.delete('near')
  positions.delete('near')
  assert.deepEqual(
    spiral.outward().map(({ site }) => site),
    ['far'],
  )
})

test('what is near to another site is what it told, and else what is predicted', () => {
  const { spiral, tell } = spiralAt({ west: 100, east: 105, north: 400 })
  tell('west', { type: 'spiral.ask', number: 1, nearest: [{ site: 'north', rttMs: 3 }] })
  assert.deepEqual(
    spiral.nearestTo('west', 2).map(({ site, isMeasured }) => [site, isMeasured]),
    [
      ['north', true],
      ['east', false],
    ],
  )
})

test('the error of a measured site corrects the prediction of its neighbours, not of others', () => {
  const seen = [{ position: at(100), logError: Math.log(1.5) }]
  const beside = corrected(at(0), at(101), seen)
  const elsewhere = corrected(at(0), at(-100), seen)
  assert.ok(beside > 145 && beside < 155, `${beside}`)
  assert.ok(elsewhere < 115, `${elsewhere}`)
})

test('one witness cannot move a site away; two can', () => {
  const measured = new Map([
    ['a', { rttMs: 10, atMs: 0 }],
    ['b', { rttMs: 10, atMs: 0 }],
  ])
  const lie = ['x', 1000] as const
  const one = triangleBounds(measured, new Map([['a', new Map([lie])]])).get('x')
  assert.equal(within(20, one), 20)
  const both = new Map([
    ['a', new Map([lie])],
    ['b', new Map([lie])],
  ])
  assert.ok(within(20, triangleBounds(measured, both).get('x')) > 400)
})

test('evidence is bounded: the nearest quarter and the latest stay', () => {
  const evidence = new Evidence({ measuredMax: 8, toldMax: 2 })
  for (let index = 0; index < 20; index++) evidence.add(`s${index}`, index < 2 ? 1 : 100 + index, index)
  assert.deepEqual(
    [...evidence.measured.keys()],
    ['s0', 's1', 's2', 's15', 's16', 's17', 's18', 's19'].filter((site) => evidence.measured.has(site)),
  )
  assert.equal(evidence.measured.size, 8)
  assert.ok(evidence.measured.has('s0') && evidence.measured.has('s1') && evidence.measured.has('s19'))
  for (const site of ['a', 'b', 'c']) evidence.tell(site, new Map())
  assert.deepEqual([...evidence.told.keys()], ['b', 'c'])
})

test('what was measured long ago is a prediction', () => {
  const evidence = new Evidence({ measuredMax: 8, toldMax: 2 })
  evidence.add('old', 5, 0)
  evidence.add('new', 6, 100)
  const ranking = rankSites({
    own: at(0),
    known: [],
    positionOf: () => undefined,
    evidence,
    candidatesMax: 10,
    freshFromMs: 50,
  })
  assert.deepEqual(
    ranking.map(({ isMeasured }) => isMeasured),
    [false, true],
  )
})
