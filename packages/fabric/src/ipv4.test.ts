import assert from 'node:assert/strict'
import test from 'node:test'
import { contains, parseCidr } from './ipv4.ts'

test('a network is read with its mask', () => {
  assert.deepEqual(parseCidr('10.20.30.0/24'), {
    network: '10.20.30.0',
    prefixLength: 24,
    netmask: '255.255.255.0',
  })
  assert.equal(parseCidr('0.0.0.0/0')?.netmask, '0.0.0.0')
  assert.equal(parseCidr('192.0.2.7/32')?.netmask, '255.255.255.255')
  assert.equal(parseCidr('172.16.0.0/12')?.netmask, '255.240.0.0')
})

test('what is no network is not read', () => {
  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0.1/24',
    '10.0.0.0/33',
    '10.0.0.0/024',
    '10.0.0.0/24/1',
    '::/0',
    '10.0.0/8',
  ])
    assert.equal(parseCidr(text), undefined, text)
})

test('a network contains the addresses of its range only', () => {
  const cidr = parseCidr('200.1.2.128/25')
  assert.ok(cidr)
  for (const inside of ['200.1.2.128', '200.1.2.255']) assert.equal(contains(cidr, inside), true)
  for (const outside of ['200.1.2.127', '200.1.3.0', '10.0.0.1']) assert.equal(contains(cidr, outside), false)
})
