import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import type { Descriptor } from '../membership/descriptor.ts'
import { VirtualClock } from '../testing.ts'
import { MemberTable } from './member-table.ts'
import { ProbeTimes } from './probe-times.ts'
import type { ProbeListener, ProbeResult } from './prober.ts'
import { defaultFaultSettings } from './settings.ts'
import { SuspicionBook } from './suspicion-book.ts'

const THOROUGH_MS = 900

/** A book that knows of one site, and what it asks of a prober: `end` ends the probe that is under way. */
function bookOf() {
  const clock = new VirtualClock()
  const table = new MemberTable({ site: 'self', clock })
  const signed = { text: '', signature: '', credential: '' }
  const contact = { site: 'other', addresses: [] }
  table.learn({ contact, incarnation: 1, state: 'alive', signed } satisfies Descriptor)
  const member = table.find('other')
  assert.ok(member)
  let probe: { readonly startedMs: number; readonly listeners: ProbeListener[] } | undefined
  const begin = () => {
    probe ??= { startedMs: clock.monotonicMs(), listeners: [] }
    return probe
  }
  const end = (result: ProbeResult) => {
    const ended = probe
    assert.ok(ended, 'a probe is under way')
    probe = undefined
    for (const listener of ended.listeners) listener(result, ended.startedMs, member)
  }
  const book = new SuspicionBook({
    environment: { clock, random: seededRandom('book'), send: () => {} },
    settings: defaultFaultSettings,
    table,
    times: new ProbeTimes(defaultFaultSettings),
    probe: (_, done) => begin().listeners.push(done),
    thoroughMs: () => THOROUGH_MS,
    onSilent: () => {},
    onQuorum: () => {},
  })
  return { clock, member, book, begin, end, isProbing: () => probe !== undefined }
}

test('a case ends with two silent probes that began after it was heard of', () => {
  const { clock, member, book, begin, end } = bookOf()
  begin()
  clock.advance(THOROUGH_MS / 2)
  book.publish(member, [], 10_000)
  clock.advance(10)
  end('silent')
  for (const state of ['suspect', 'cut'] as const) {
    assert.equal(member.state, 'suspect')
    clock.advance(THOROUGH_MS)
    end('silent')
    assert.equal(member.state, state)
  }
})

test('an answer to a probe from before the case does not end it, nor does it count as silence; a later one ends it', () => {
  const { clock, member, book, begin, end, isProbing } = bookOf()
  begin()
  clock.advance(THOROUGH_MS / 2)
  book.publish(member, [], 10_000)
  clock.advance(10)
  end('answered')
  assert.equal(member.state, 'suspect')
  clock.advance(100)
  end('answered')
  assert.equal(member.state, 'alive')
  assert.equal(isProbing(), false)
})
