import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { silentLogger } from '@atoll/kit'
import { openTestCloud } from '../../testing/test-cloud.ts'
import { USER_DATA } from './metadata-example.ts'
import { createMetadataService } from './metadata-service.ts'

/** The service behind a socket, with the caller that a fabric would tell. */
async function openService(t: TestContext) {
  const cloud = await openTestCloud(t)
  const metadata = { place: 'атолл 🏝' }
  const id = await cloud.create({ metadata, user_data: USER_DATA.toString('base64') })
  const servers = new Map([['port-1', id]])
  let caller = 'port-1'
  let fails = false
  const handler = createMetadataService({
    state: cloud.state,
    log: silentLogger,
    ports: {
      portsOf: async () => [],
      serverOf: async (portId) => {
        if (fails) throw new Error('no store')
        return servers.get(portId)
      },
    },
  })
  const server = createServer((request, response) => handler({ portId: caller }, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    id,
    remove: async () => {
      await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
      await cloud.finishDeletion(id)
    },
    ask: (path: string, init?: RequestInit) => fetch(url + path, init),
    from: (portId: string) => {
      caller = portId
    },
    fail: () => {
      fails = true
    },
  }
}

suite('the metadata service', () => {
  test('answers with the bytes of the server whose port asks, whatever the request says', async (t) => {
    const { ask, id } = await openService(t)
    const headers = { 'x-forwarded-for': '10.0.0.9', 'x-instance-id': 'another' }
    const reply = await ask('/openstack/latest/meta_data.json', { headers })
    assert.equal(reply.headers.get('content-type'), 'application/json')
    const body = (await reply.json()) as { uuid: string; meta: object }
    assert.deepEqual([body.uuid, body.meta], [id, { place: 'атолл 🏝' }])
    const userData = await ask('/openstack/latest/user_data')
    assert.deepEqual(Buffer.from(await userData.arrayBuffer()), USER_DATA)
  })

  test('answers HEAD with the headers of GET and no body, and refuses to be written', async (t) => {
    const { ask } = await openService(t)
    const head = await ask('/openstack/latest/user_data', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(USER_DATA.length)])
    assert.equal(await head.text(), '')
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const refused = await ask('/openstack/latest/password', { method })
      assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'])
    }
    assert.equal((await ask('/openstack/latest/password')).status, 404)
  })

  test('tells nothing to a port without a server, nor of a server that is gone', async (t) => {
    const { ask, from, remove } = await openService(t)
    from('port-2')
    assert.equal((await ask('/openstack')).status, 404)
    from('port-1')
    assert.equal((await ask('/openstack')).status, 200)
    await remove()
    assert.equal((await ask('/openstack')).status, 404)
  })

  test('says that it failed, and nothing more', async (t) => {
    const { ask, fail } = await openService(t)
    fail()
    const reply = await ask('/openstack')
    assert.deepEqual([reply.status, await reply.text()], [500, 'Internal Server Error\n'])
  })
})
