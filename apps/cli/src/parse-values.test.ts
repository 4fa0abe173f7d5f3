import assert from 'node:assert/strict'
import test from 'node:test'
import { InvalidArgumentError } from 'commander'
import { formatHostPort, parseDurationMs, parseHostPort, parseWholeNumber } from './parse-values.ts'

for (const [text, host, port] of [
  ['192.0.2.7:8774', '192.0.2.7', 8774],
  ['[2001:db8::7]:1', '2001:db8::7', 1],
  ['example.org:65535', 'example.org', 65_535],
] as const)
  test(`${text} is a host and a port, and back`, () => {
    assert.deepEqual(parseHostPort(text), { host, port })
    assert.equal(formatHostPort({ host, port }), text)
  })

for (const text of [
  '',
  '8774',
  'host',
  'host:',
  'host:0',
  'host:65536',
  '2001:db8::7:1',
  'a b:1',
  'http://a:1',
])
  test(`"${text}" is no host and port`, () => {
    assert.throws(() => parseHostPort(text), InvalidArgumentError)
  })

test('durations have a unit and last a second at least', () => {
  assert.deepEqual(
    ['90s', '30m', '1h', '7d'].map(parseDurationMs),
    [90_000, 1_800_000, 3_600_000, 604_800_000],
  )
  for (const text of ['', '0s', '1', 'h', '1.5h', '-1h', '1w'])
    assert.throws(() => parseDurationMs(text), InvalidArgumentError, text)
})

test('whole numbers begin at 1', () => {
  assert.equal(parseWholeNumber('10'), 10)
  for (const text of ['0', '-1', '1.5', '1e3', ''])
    assert.throws(() => parseWholeNumber(text), InvalidArgumentError, text)
})
