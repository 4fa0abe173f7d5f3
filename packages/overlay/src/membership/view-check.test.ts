import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { VirtualClock } from '../testing.ts'
import type { Descriptor } from './descriptor.ts'
import { ViewCheck } from './view-check.ts'

function descriptorOf(site: string): Descriptor {
  const signed = { text: '', signature: site, credential: '' }
  return { contact: { site, addresses: [] }, incarnation: 1, state: 'alive', signed }
}

function checkOf() {
  const clock = new VirtualClock()
  const asked: string[] = []
  const silent: string[] = []
  const check = new ViewCheck({
    environment: { clock, random: seededRandom(1), send: (to) => asked.push(to.site) },
    answerMsMax: 1000,
    onSilent: (found) => silent.push(...found.map(({ contact }) => contact.site)),
  })
  return { clock, check, asked, silent }
}

test('who is silent three times is found, who answers is not, and neither is believed before that', () => {
  const { clock, check, asked, silent } = checkOf()
  check.begin(['dead', 'well'].map(descriptorOf))
  assert.ok(check.isDoubted('dead') && check.isDoubted('well') && !check.isDoubted('other'))
  check.heard('well')
  assert.ok(!check.isDoubted('well'))
  clock.advance(2999)
  assert.deepEqual(silent, [])
  clock.advance(1)
  assert.deepEqual(silent, ['dead'])
  assert.deepEqual(asked, ['dead', 'well', 'dead', 'dead'])
})

test('what comes while others are being asked is asked as often, and nobody twice at a time', () => {
  const { clock, check, asked, silent } = checkOf()
  check.begin([descriptorOf('first')])
  clock.advance(500)
  check.begin(['first', 'second'].map(descriptorOf))
  clock.advance(2500)
  assert.deepEqual(silent, ['first', 'second'])
  assert.deepEqual(asked.toSorted(), ['first', 'first', 'first', 'second', 'second', 'second'])
  clock.advance(5000)
  assert.equal(asked.length, 6)
})

test('a check that was stopped finds nobody', () => {
  const { clock, check, silent } = checkOf()
  check.begin([descriptorOf('dead')])
  check.stop()
  clock.advance(5000)
  assert.deepEqual(silent, [])
})
