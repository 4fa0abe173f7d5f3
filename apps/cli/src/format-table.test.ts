import assert from 'node:assert/strict'
import test from 'node:test'
import { formatDuration, formatTable } from './format-table.ts'

test('columns are as wide as their widest cell', () => {
  assert.equal(
    formatTable(
      ['Site', 'Age'],
      [
        ['a', '1 s'],
        ['longer', ''],
      ],
    ),
    [
      '+--------+-----+',
      '| Site   | Age |',
      '+--------+-----+',
      '| a      | 1 s |',
      '| longer |     |',
      '+--------+-----+',
    ].join('\n'),
  )
})

test('durations have two digits that matter', () => {
  const cases = [0.42, 85, 2400, 61_000, 5 * 3_600_000, 3 * 86_400_000]
  assert.deepEqual(cases.map(formatDuration), ['0.4 ms', '85 ms', '2.4 s', '1 min', '5 h', '3 d'])
})
