/** Two guests at two sites on one tenant network: they reach each other over the WAN, and got there by themselves. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newSshPublicKey } from '@atoll/cli'
import { createPort, createServer, importKeypair, waitForConsole, waitForStatus } from '@atoll/sdk'
import { type LabCloud, makeBasics, openLabCloud, skipWithoutRoot } from '../support/lab-cloud.ts'

const TEST_TIMEOUT_MS = 300_000
const BOOT = { timeoutMs: 180_000 }

/** Pings until an answer comes, then fetches the page with which our guests tell their name: ICMP and TCP. */
const lookFor = (address: string) => `#!/bin/sh
attempt=0
until ping -c 1 -W 2 ${address} >/dev/null 2>&1; do
  attempt=$((attempt + 1))
  if [ $attempt -gt 90 ]; then echo "atoll-test: no answer from ${address}"; exit 1; fi
  sleep 1
done
echo "atoll-test: ping ${address} ok"
ping -c 1 -s 1400 -W 5 ${address} >/dev/null && echo "atoll-test: large ping ok"
echo "atoll-test: met $(timeout 10 wget -q -O - http://${address}/)"
`

describe('a tenant network across sites', { skip: skipWithoutRoot, timeout: 2 * TEST_TIMEOUT_MS }, () => {
  let opened: LabCloud

  before(async () => {
    opened = await openLabCloud({ name: 'test-wan' })
  })
  after(() => opened?.close())

  test('two guests at two sites ping each other, named and addressed by the cloud', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { cloud } = opened
    const { imageId, flavorId, networkId } = await makeBasics(opened, 'site1')
    const connection = await cloud.connect('site1')
    await importKeypair(connection, { name: 'wan', publicKey: newSshPublicKey('wan-key') })
    const ports = await Promise.all(
      ['left', 'right'].map((name) => createPort(connection, { networkId, name })),
    )
    const addresses = ports.map(({ fixed_ips }) => fixed_ips[0]?.ip_address ?? '')
    const guests = [
      { name: 'left', site: 'site1', port: ports[0]?.id ?? '', own: addresses[0], other: addresses[1] },
      { name: 'right', site: 'site2', port: ports[1]?.id ?? '', own: addresses[1], other: addresses[0] },
    ]
    const ids = await Promise.all(
      guests.map(async ({ name, site, port, other = '' }) => {
        const { id } = await createServer(connection, {
          ...{ name, imageId, flavorId, keyName: 'wan' },
          ...{ networks: [{ port }], availabilityZone: site, userData: lookFor(other) },
        })
        return id
      }),
    )
    for (const [index, { name, site, own, other }] of guests.entries()) {
      const id = ids[index] ?? ''
      const server = await waitForStatus(connection, id, 'ACTIVE', BOOT)
      assert.equal(server['OS-EXT-AZ:availability_zone'], site)
      const text = await waitForConsole(connection, id, /atoll-guest: ready/, BOOT)
      const met = name === 'left' ? 'right' : 'left'
      for (const line of [
        `atoll-guest: address eth0 ${own}/24`,
        'atoll-guest: metadata network',
        `atoll-guest: hostname ${name}`,
        `atoll-test: ping ${other} ok`,
        'atoll-test: large ping ok',
        `atoll-test: met ${met}`,
        'atoll-guest: user-data exit 0',
      ])
        assert.ok(text.includes(line), `${name} says "${line}":\n${text}`)
      assert.match(text, /atoll-guest: key ssh-ed25519 \S+ wan-key/)
    }
  })
})
