import assert from 'node:assert/strict'
import test from 'node:test'
import { formatIpv4, hostRanges, overlap, parseCidr, parseIpv4 } from './ipv4.ts'

test('an address is a number and back, up to the last one', () => {
  for (const text of ['0.0.0.0', '10.0.0.1', '127.255.0.9', '255.255.255.255']) {
    assert.equal(formatIpv4(parseIpv4(text) ?? -1), text)
  }
})

test('what is no dotted quad is no address', () => {
  for (const text of ['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1 ', '::1', '1.2.3.4.5']) {
    assert.equal(parseIpv4(text), undefined, text)
  }
})

test('a cidr loses its host bits', () => {
  assert.deepEqual(parseCidr('192.168.7.9/24'), {
    text: '192.168.7.0/24',
    first: 0xc0a80700,
    last: 0xc0a807ff,
    prefixLength: 24,
  })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/024', 'fd00::/8', '10.0.0.0/']) {
    assert.equal(parseCidr(text), undefined, text)
  }
})

test('host ranges leave out the gateway, wherever it is', () => {
  const cidr = parseCidr('0.0.0.0/29')
  assert.ok(cidr)
  assert.deepEqual(hostRanges(cidr, 1), [[2, 7]])
  assert.deepEqual(hostRanges(cidr, 6), [[1, 6]])
  assert.deepEqual(hostRanges(cidr, 3), [
    [1, 3],
    [4, 7],
  ])
  assert.deepEqual(hostRanges(cidr, undefined), [[1, 7]])
})

test('cidrs overlap when one holds an address of the other', () => {
  const [wide, narrow, other] = ['10.0.0.0/16', '10.0.9.0/24', '10.1.0.0/24'].map(parseCidr)
  assert.ok(wide && narrow && other)
  assert.deepEqual([overlap(wide, narrow), overlap(narrow, wide), overlap(wide, other)], [true, true, false])
})
