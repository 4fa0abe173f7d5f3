import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkHistory } from './check-history.ts'
import type { Event, Executed } from './history.ts'

const append = (key: string, value: string): Event => ({ kind: 'appended', key, value })
const saw = (key: string, ...list: string[]): Event => ({ kind: 'seen', key, list })
const sawLatest = (key: string, latest?: string): Event => ({ kind: 'seen', key, latest })

/** Transactions that all overlap, unless they say when they began and ended. */
function history(final: Record<string, string[]>, executed: Record<string, Event[] | Partial<Executed>>) {
  return {
    final: new Map(Object.entries(final)),
    executed: Object.entries(executed).map(([name, given]) => ({
      name,
      events: [],
      outcome: 'committed' as const,
      began: 0,
      ended: 100,
      ...(Array.isArray(given) ? { events: given } : given),
    })),
  }
}

suite('the checker of histories', () => {
  test('accepts what some order explains', () => {
    const fine = history(
      { x: ['1', '2'], y: ['3'] },
      {
        A: [saw('x'), append('x', '1'), saw('x', '1')],
        B: [saw('x', '1'), append('x', '2'), saw('y'), sawLatest('y')],
        C: [saw('x', '1', '2'), append('y', '3'), sawLatest('y', '3')],
        D: [sawLatest('x', '1'), saw('y')],
        E: [sawLatest('x', '2'), saw('y', '3')],
      },
    )
    assert.deepEqual(checkHistory(fine), [])
  })

  const anomalies: Record<string, [ReturnType<typeof history>, RegExp]> = {
    'a lost update': [
      history({ x: ['2'] }, { A: [saw('x'), append('x', '1')], B: [saw('x'), append('x', '2')] }),
      /lost: 1 of A/,
    ],
    'an update that two made of the same version': [
      history({ x: ['1', '2'] }, { A: [saw('x'), append('x', '1')], B: [saw('x'), append('x', '2')] }),
      /cycle: .*rw\(x\)/,
    ],
    'write skew': [
      history({ x: ['1'], y: ['2'] }, { A: [saw('y'), append('x', '1')], B: [saw('x'), append('y', '2')] }),
      /cycle: A -rw\(y\)-> B -rw\(x\)->|cycle: B -rw\(x\)-> A -rw\(y\)->/,
    ],
    'a phantom': [
      history(
        { x: ['1'], y: ['2'] },
        { A: [saw('x'), saw('y'), append('x', '1')], B: [saw('x'), saw('y'), append('y', '2')] },
      ),
      /cycle/,
    ],
    'a phantom in an index': [
      history(
        { x: ['1'], y: ['2'] },
        {
          A: [sawLatest('x'), sawLatest('y'), append('x', '1')],
          B: [sawLatest('x'), sawLatest('y'), append('y', '2')],
        },
      ),
      /cycle/,
    ],
    'a dirty read': [
      history({ x: [] }, { A: { events: [append('x', '1')], outcome: 'aborted' }, B: [saw('x', '1')] }),
      /B saw x as 1/,
    ],
    'a write that was taken back and stayed': [
      history({ x: ['1'] }, { A: { events: [append('x', '1')], outcome: 'aborted' } }),
      /dirty: x has 1/,
    ],
    'a stale read': [
      history(
        { x: ['1'] },
        {
          A: { events: [append('x', '1')], began: 0, ended: 1 },
          B: { events: [saw('x')], began: 2, ended: 3 },
        },
      ),
      /cycle: .*rt/,
    ],
    'a read of half a transaction': [
      history(
        { x: ['1'], y: ['2'] },
        { A: [append('x', '1'), append('y', '2')], B: [saw('x', '1'), saw('y')] },
      ),
      /cycle/,
    ],
    'a half of what nobody knows to have happened': [
      history(
        { x: ['1'], y: [] },
        { A: { events: [append('x', '1'), append('y', '2')], outcome: 'unknown', ended: Infinity } },
      ),
      /half: of A only 1/,
    ],
    'two readers who disagree about an order': [
      history({ x: ['1', '2'] }, { A: [append('x', '1')], B: [append('x', '2')], C: [saw('x', '2', '1')] }),
      /C saw x as 2 1/,
    ],
    'a long fork': [
      history(
        { x: ['1'], y: ['2'] },
        {
          A: [append('x', '1')],
          B: [append('y', '2')],
          C: [saw('x', '1'), saw('y')],
          D: [saw('x'), saw('y', '2')],
        },
      ),
      /cycle/,
    ],
    'a value that came twice': [history({ x: ['1', '1'] }, { A: [append('x', '1')] }), /twice/],
    'a read that is not repeatable': [
      history({ x: ['1'] }, { A: [saw('x'), saw('x', '1')], B: [append('x', '1')] }),
      /had itself left it/,
    ],
    'a transaction that does not see its own append': [
      history({ x: ['1'] }, { A: [saw('x'), append('x', '1'), saw('x')] }),
      /had itself left it/,
    ],
  }
  for (const [name, [planted, told]] of Object.entries(anomalies))
    test(`finds ${name}`, () => {
      assert.match(checkHistory(planted).join('\n'), told)
    })

  test('lets a transaction of unknown outcome have happened, late, or not at all', () => {
    const unknown = {
      events: [append('x', '1')],
      outcome: 'unknown' as const,
      began: 0,
      ended: Number.POSITIVE_INFINITY,
    }
    const late = history(
      { x: ['1'] },
      {
        A: unknown,
        B: { events: [saw('x')], began: 5, ended: 6 },
        C: { events: [saw('x', '1')], began: 7, ended: 8 },
      },
    )
    assert.deepEqual(checkHistory(late), [])
    assert.deepEqual(checkHistory(history({ x: [] }, { A: unknown, B: [saw('x')] })), [])
  })
})
