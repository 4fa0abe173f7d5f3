import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { Connection } from './connection.ts'
import { RequestRefused, refusedStatus, ServiceNotInCatalog, ServiceUnreachable } from './errors.ts'

interface Answer {
  readonly status?: number
  readonly body?: unknown
}

interface Seen {
  readonly what: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A cloud that gives the tokens t1, t2, … and answers everything else with `answer`. */
async function fakeCloud(t: TestContext, answer: (request: Seen) => Answer) {
  const seen: Seen[] = []
  let tokens = 0
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((body) => {
      const request = { what: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body }
      seen.push(request)
      const isLogin = incoming.url === '/identity/v3/auth/tokens'
      const { status = 200, body: reply } = isLogin ? { status: 201, body: session(base) } : answer(request)
      outgoing.writeHead(status, {
        'content-type': 'application/json',
        ...(isLogin ? { 'x-subject-token': `t${++tokens}` } : {}),
      })
      outgoing.end(reply === undefined ? undefined : JSON.stringify(reply))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => server.close())
  const credentials = { authUrl: `${base}/identity/v3/`, username: 'u', password: 'p', projectName: 'j' }
  return { seen, credentials, connection: await Connection.open(credentials) }
}

function session(base: string): object {
  const endpoints = [{ interface: 'public', url: `${base}/compute/v2.1` }]
  return { token: { project: { id: 'project' }, catalog: [{ type: 'compute', endpoints }] } }
}

test('a request goes to the endpoint of the catalog with token, version and body', async (t) => {
  const { connection, seen } = await fakeCloud(t, () => ({ status: 202, body: { server: { id: '1' } } }))
  const options = { microversion: '2.79' }
  assert.deepEqual(await connection.post('compute', '/v2.1/servers', { server: {} }, options), {
    server: { id: '1' },
  })
  const [, request] = seen
  assert.equal(request?.what, 'POST /compute/v2.1/servers')
  assert.equal(request?.headers['x-auth-token'], 't1')
  assert.equal(request?.headers['openstack-api-version'], 'compute 2.79')
  assert.equal(request?.body, '{"server":{}}')
})

test('a token that is no longer taken is replaced once', async (t) => {
  const { connection, seen } = await fakeCloud(t, ({ headers }) => ({
    status: headers['x-auth-token'] === 't1' ? 401 : 200,
    body: {},
  }))
  assert.deepEqual(await connection.get('compute', '/v2.1/servers'), {})
  assert.equal(connection.token, 't2')
  assert.equal(seen.length, 4)
})

for (const body of [
  { itemNotFound: { code: 404, message: 'Instance "x" could not be found.' } },
  { error: { code: 404, message: 'Instance "x" could not be found.', title: 'Not Found' } },
  { NeutronError: { type: 'T', message: 'Instance "x" could not be found.', detail: '' } },
  { errors: [{ status: 404, detail: 'Instance "x" could not be found.' }] },
])
  test(`the reason is found in ${Object.keys(body)[0]}`, async (t) => {
    const { connection } = await fakeCloud(t, () => ({ status: 404, body }))
    await assert.rejects(connection.get('compute', '/v2.1/servers/x'), (error: Error) => {
      assert.ok(RequestRefused.is(error))
      assert.equal(refusedStatus(error), 404)
      return error.message.endsWith('answered 404: Instance "x" could not be found.')
    })
  })

test('what is not in the catalog, and what does not answer, are said so', async (t) => {
  const { connection, credentials } = await fakeCloud(t, () => ({}))
  assert.throws(() => connection.endpoint('image'), ServiceNotInCatalog.is)
  const nowhere = { ...credentials, authUrl: 'http://127.0.0.1:1/identity/v3' }
  await assert.rejects(Connection.open(nowhere), ServiceUnreachable.is)
})
