/** The client that users have, at each of three sites in turn: everything from a token to a guest that has gone again. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { newSshPublicKey } from '@atoll/cli'
import { waitUntil } from '@atoll/sdk'
import { guestProcesses } from '../support/guest-process.ts'
import { type LabCloud, openLabCloud, skipWithoutRoot } from '../support/lab-cloud.ts'
import { openstackAt } from '../support/openstack.ts'

const TEST_TIMEOUT_MS = 300_000

interface Named {
  readonly Name: string
}

interface ServerShown {
  readonly id: string
  readonly status: string
  readonly addresses: unknown
  readonly 'OS-EXT-AZ:availability_zone': string
}

describe('the openstack client', { skip: skipWithoutRoot, timeout: 3 * TEST_TIMEOUT_MS }, () => {
  let opened: LabCloud

  before(async () => {
    opened = await openLabCloud({ name: 'test-clients' })
  })
  after(() => opened?.close())

  for (const site of ['site1', 'site2', 'site3']) {
    test(`does all of it at ${site}`, { timeout: TEST_TIMEOUT_MS }, async (t) => {
      const { cloud, imagePath } = opened
      const openstack = openstackAt(cloud, site)
      const named = (what: string) => `${what}-${site}`
      const names = async (...list: readonly string[]) =>
        (await openstack.json<readonly Named[]>(...list)).map(({ Name }) => Name)

      await t.test('gets a token and the catalog', async () => {
        const token = await openstack.json<{ id: string; project_id: string }>('token', 'issue')
        assert.match(token.id, /^\S{100,}$/)
        const catalog = await openstack.json<readonly { Type: string }[]>('catalog', 'list')
        for (const type of ['identity', 'image', 'compute', 'network'])
          assert.ok(
            catalog.some(({ Type }) => Type === type),
            `${type} is in the catalog`,
          )
      })

      await t.test('makes a project, a user and a role, and grants it', async () => {
        const [project, user, role] = [named('project'), named('user'), named('role')]
        await openstack.json('project', 'create', project)
        await openstack.json('user', 'create', user, '--project', project, '--password', 'correct horse')
        await openstack.json('role', 'create', role)
        await openstack.text('role', 'add', '--project', project, '--user', user, role)
        assert.ok((await names('project', 'list')).includes(project))
        assert.ok((await names('user', 'list')).includes(user))
        assert.ok((await names('role', 'list')).includes(role))
      })

      await t.test('uploads an image, makes a flavor and imports a key', async () => {
        const format = ['--disk-format', 'qcow2', '--container-format', 'bare']
        await openstack.json('image', 'create', named('image'), '--file', imagePath, ...format)
        const image = await openstack.json<{ status: string }>('image', 'show', named('image'))
        assert.equal(image.status, 'active')
        const size = ['--ram', '192', '--disk', '1', '--vcpus', '1']
        await openstack.json('flavor', 'create', named('flavor'), ...size)
        assert.ok((await names('flavor', 'list')).includes(named('flavor')))
        const keyPath = `${cloud.peer(site).dataDirectory}/key.pub`
        writeFileSync(keyPath, `${newSshPublicKey(named('key'))}\n`)
        await openstack.json('keypair', 'create', named('key'), '--public-key', keyPath)
        assert.ok((await names('keypair', 'list')).includes(named('key')))
      })

      await t.test('makes a network, a subnet and a port', async () => {
        await openstack.json('network', 'create', named('network'))
        const range = ['--network', named('network'), '--subnet-range', '10.99.0.0/24']
        await openstack.json('subnet', 'create', named('subnet'), ...range)
        await openstack.json('port', 'create', named('port'), '--network', named('network'))
        assert.ok((await names('port', 'list')).includes(named('port')))
      })

      const server = named('server')
      const show = () => openstack.json<ServerShown>('server', 'show', server)
      const becomes = (status: string) =>
        waitUntil({ what: `${server} is ${status}`, timeoutMs: 60_000, intervalMs: 500 }, async () => {
          return (await show()).status === status
        })

      await t.test('boots a server at the site that was asked', async () => {
        const parts = ['--image', named('image'), '--flavor', named('flavor'), '--port', named('port')]
        const options = ['--key-name', named('key'), '--wait']
        await openstack.json('server', 'create', server, ...parts, ...options)
        const shown = await show()
        assert.equal(shown.status, 'ACTIVE')
        assert.equal(shown['OS-EXT-AZ:availability_zone'], site)
        assert.match(JSON.stringify(shown.addresses), /10\.99\.0\.\d+/)
        assert.ok((await names('server', 'list')).includes(server))
        assert.equal(guestProcesses(shown.id).length, 1)
      })

      await t.test('reads what the guest got on its console', async () => {
        const output = await waitUntil(
          { what: 'the guest has booted', timeoutMs: 120_000, intervalMs: 1000 },
          async () => {
            const text = await openstack.text('console', 'log', 'show', server)
            return /atoll-guest: ready/.test(text) && text
          },
        )
        assert.match(output, /atoll-guest: address eth0 10\.99\.0\.\d+\/24/)
        assert.match(output, new RegExp(`atoll-guest: hostname ${server}`))
        assert.match(output, new RegExp(`atoll-guest: key ssh-ed25519 \\S+ ${named('key')}`))
      })

      await t.test('stops, starts and reboots it', async () => {
        const { id } = await show()
        await openstack.text('server', 'stop', server)
        await becomes('SHUTOFF')
        assert.equal(guestProcesses(id).length, 0)
        await openstack.text('server', 'start', server)
        await becomes('ACTIVE')
        assert.equal(guestProcesses(id).length, 1)
        await openstack.text('server', 'reboot', '--hard', '--wait', server)
        await openstack.text('server', 'reboot', '--wait', server)
        assert.equal((await show()).status, 'ACTIVE')
      })

      await t.test('deletes it', async () => {
        const { id } = await show()
        await openstack.text('server', 'delete', '--wait', server)
        assert.ok(!(await names('server', 'list')).includes(server))
        assert.deepEqual(guestProcesses(id), [])
      })
    })
  }
})
