import assert from 'node:assert/strict'
import test from 'node:test'
import { deviceName, formatAlias, parseAlias } from './device-name.ts'

const ID = 'BEEFCAFE-1234-4abc-8def-0123456789ab'

test('a device name has 15 characters and begins with its kind', () => {
  assert.equal(deviceName('tap', ID), 'at-tbeefcafe123')
  for (const kind of ['bridge', 'vxlan', 'dhcp', 'dhcpInside', 'tap', 'guest'] as const)
    assert.equal(deviceName(kind, ID).length, 15)
})

test('an alias is read back, and that of another program is not', () => {
  for (const alias of [
    { owner: 'abc', networkId: ID },
    { owner: 'abc', networkId: ID, portId: ID },
  ])
    assert.deepEqual(parseAlias(formatAlias(alias)), alias)
  for (const text of ['', 'uplink', 'atoll', 'atoll:abc']) assert.equal(parseAlias(text), undefined)
})
