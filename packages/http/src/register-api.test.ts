import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import test, { type TestContext } from 'node:test'
import { defineError, type Logger, seededRandom, silentLogger } from '@atoll/kit'
import Fastify from 'fastify'
import { Type } from 'typebox'
import type { Authorization } from './authorization.ts'
import { type Api, endpoint } from './endpoint.ts'
import { Unauthorized } from './errors.ts'
import { type Gate, registerApi } from './register-api.ts'
import { routeHere } from './routing.ts'

const member: Authorization = {
  userId: 'u1',
  userDomainId: 'default',
  projectId: 'p1',
  domainId: null,
  roles: ['member'],
  auditId: 'a1',
  expiresAtMs: 0,
}

const api: Api = {
  prefix: '/things',
  faults: 'nova',
  microversions: {
    serviceType: 'compute',
    legacyHeader: 'X-OpenStack-Nova-API-Version',
    min: '2.1',
    max: '2.10',
  },
  rules: { admin: 'role:admin', 'thing:create': 'role:member', 'thing:purge': 'rule:admin' },
  endpoints: [
    endpoint({ method: 'GET', path: '/', rule: null, handle: async () => ({ version: {} }) }),
    endpoint({
      method: 'POST',
      path: '/things',
      rule: 'thing:create',
      body: Type.Object({ name: Type.String({ maxLength: 5 }) }, { additionalProperties: false }),
      status: 202,
      writes: ({ body }) =>
        body.name === 'far' ? { kind: 'record', table: 'things', id: 'far' } : undefined,
      handle: async ({ body, authorization }) => ({ ...body, project_id: authorization.projectId }),
    }),
    endpoint({ method: 'DELETE', path: '/things', rule: 'thing:purge', handle: async () => undefined }),
    endpoint({
      method: 'GET',
      path: '/versioned',
      rule: null,
      until: '2.4',
      handle: async () => ({ form: 'old' }),
    }),
    endpoint({
      method: 'GET',
      path: '/versioned',
      rule: null,
      since: '2.5',
      handle: async () => ({ form: 'new' }),
    }),
    endpoint({
      method: 'GET',
      path: '/bug',
      rule: null,
      handle: () => Promise.reject(new Error('secret path /etc')),
    }),
    endpoint({
      method: 'PUT',
      path: '/bytes',
      rule: 'thing:create',
      body: 'stream',
      handle: async ({ stream }) => {
        let size = 0
        for await (const chunk of stream) size += (chunk as Buffer).length
        return { size }
      },
    }),
  ],
}

async function serve(t: TestContext, gate: Partial<Gate> = {}, changes: Partial<Api> = {}) {
  const server = Fastify()
  t.after(() => server.close())
  await registerApi(
    server,
    { ...api, ...changes },
    {
      verifyToken: (token) => {
        if (token !== 'good') throw Unauthorized({})
        return member
      },
      router: routeHere,
      random: seededRandom(1),
      log: silentLogger,
      ...gate,
    },
  )
  return server
}

const token = { 'x-auth-token': 'good' }

test('a handler gets the checked body and the bearer, and its status is sent', async (t) => {
  const server = await serve(t)
  const reply = await server.inject({
    method: 'POST',
    url: '/things/things',
    headers: token,
    payload: { name: 'a' },
  })
  assert.equal(reply.statusCode, 202)
  assert.deepEqual(reply.json(), { name: 'a', project_id: 'p1' })
  assert.match(String(reply.headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/)
})

test('without a good token nothing but discovery answers', async (t) => {
  const server = await serve(t)
  for (const headers of [{}, { 'x-auth-token': 'bad' }]) {
    const reply = await server.inject({
      method: 'POST',
      url: '/things/things',
      headers,
      payload: { name: 'a' },
    })
    assert.equal(reply.statusCode, 401)
    assert.equal(reply.json().unauthorized.code, 401)
  }
  assert.equal((await server.inject({ url: '/things/', headers: {} })).statusCode, 200)
})

test('a rule that the token does not satisfy is 403', async (t) => {
  const server = await serve(t)
  const reply = await server.inject({ method: 'DELETE', url: '/things/things', headers: token })
  assert.deepEqual(reply.json(), {
    forbidden: { code: 403, message: "Policy doesn't allow thing:purge to be performed." },
  })
})

const badBodies: readonly [why: string, payload: string, message: RegExp][] = [
  ['bad JSON', '{', /Malformed request body/],
  ['no body', '', /Malformed request body/],
  ['missing field', '{}', /^'name' is a required property$/],
  [
    'unknown field',
    '{"name":"a","tags":[]}',
    /^Additional properties are not allowed \('tags' was unexpected\)$/,
  ],
  [
    'wrong type',
    '{"name":7}',
    /Invalid input for field\/attribute name\. Value: 7\. 7 is not of type 'string'/,
  ],
  ['too long', '{"name":"abcdef"}', /'abcdef' is too long/],
]
for (const [why, payload, message] of badBodies) {
  test(`${why} is 400 in the family's form`, async (t) => {
    const server = await serve(t)
    const headers = { ...token, 'content-type': 'application/json' }
    const reply = await server.inject({ method: 'POST', url: '/things/things', headers, payload })
    assert.equal(reply.statusCode, 400)
    assert.match(reply.json().badRequest.message, message)
  })
}

test('a body over the limit is 413, another media type 415', async (t) => {
  const server = await serve(t)
  const post = (contentType: string, payload: string) =>
    server.inject({
      method: 'POST',
      url: '/things/things',
      headers: { ...token, 'content-type': contentType },
      payload,
    })
  assert.equal((await post('application/json', `{"name":"${'a'.repeat(300_000)}"}`)).statusCode, 413)
  assert.equal((await post('text/xml', '<a/>')).statusCode, 415)
})

const versions: readonly [headers: Record<string, string>, status: number, form?: string][] = [
  [{}, 200, 'old'],
  [{ 'openstack-api-version': 'compute 2.5' }, 200, 'new'],
  [{ 'openstack-api-version': 'volume 3.9, compute latest' }, 200, 'new'],
  [{ 'x-openstack-nova-api-version': '2.4' }, 200, 'old'],
  [{ 'openstack-api-version': 'compute 2.11' }, 406],
  [{ 'openstack-api-version': 'compute two' }, 400],
]
for (const [headers, status, form] of versions) {
  test(`microversion ${JSON.stringify(headers)} → ${status} ${form ?? ''}`, async (t) => {
    const server = await serve(t)
    const reply = await server.inject({ url: '/things/versioned', headers })
    assert.equal(reply.statusCode, status)
    if (form) assert.equal(reply.json().form, form)
    if (status === 406) assert.equal(reply.json().computeFault.max_version, '2.10')
    assert.match(String(reply.headers.vary), /OpenStack-API-Version/)
  })
}

test('a bug is 500 and says nothing of its cause', async (t) => {
  const server = await serve(t)
  const reply = await server.inject({ url: '/things/bug' })
  assert.equal(reply.statusCode, 500)
  assert.doesNotMatch(reply.body, /secret/)
})

test('what only operators may read is in the log and not in the answer', async (t) => {
  const lines: string[] = []
  const log: Logger = {
    ...silentLogger,
    warn: (_, line = '') => void lines.push(line),
    child: () => log,
  }
  const OutOfReach = defineError({
    code: 'http.test.out_of_reach',
    status: 503,
    fault: 'serviceUnavailable',
    message: () => 'nobody answers at 192.0.2.7',
    publicMessage: () => 'not now',
  })
  const away = endpoint({
    method: 'GET',
    path: '/away',
    rule: null,
    handle: () => Promise.reject(OutOfReach({})),
  })
  const server = await serve(t, { log }, { endpoints: [away] })
  const reply = await server.inject({ url: '/things/away' })
  assert.deepEqual(reply.json(), { serviceUnavailable: { code: 503, message: 'not now' } })
  assert.deepEqual(lines, ['nobody answers at 192.0.2.7'])
})

test('an unknown path is 404, a known one with another method 405, both in the family', async (t) => {
  const server = await serve(t)
  assert.equal((await server.inject({ url: '/things/nowhere' })).json().itemNotFound.code, 404)
  const reply = await server.inject({ method: 'PATCH', url: '/things/things', headers: token })
  assert.equal(reply.json().badMethod.code, 405)
  assert.equal(reply.headers.allow, 'DELETE, POST')
})

test('what a path knows is found behind parameters, whatever their form', async (t) => {
  const paths = ['/v2.1/things/:id', '/v2.1/:project_id(^[0-9a-f-]+$)/things/:id/tags/:tag']
  const endpoints = paths.map((path) =>
    endpoint({ method: 'GET', path, rule: null, handle: async () => undefined }),
  )
  const server = await serve(t, {}, { endpoints })
  const put = async (url: string) => (await server.inject({ method: 'PUT', url })).statusCode
  assert.equal(await put('/things/v2.1/things/a%20b?force=1'), 405)
  assert.equal(await put('/things/v2.1/0a-1/things/a/tags/b'), 405)
  assert.equal(await put('/things/v2.1/zebra/things/a/tags/b'), 404)
  assert.equal(await put('/things/v291/things/a'), 404)
})

test('a write of another home is answered by the router, as it was sent', async (t) => {
  const server = await serve(t, {
    router: {
      ...routeHere,
      route: async ({ body, url }, writes) =>
        writes.kind === 'record'
          ? { status: 202, headers: { 'x-from': 'far' }, body: Readable.from([url, ' ', body as Buffer]) }
          : undefined,
    },
  })
  const headers = { ...token, 'content-type': 'application/json' }
  const reply = await server.inject({
    method: 'POST',
    url: '/things/things?a=b',
    headers,
    payload: '{"name":"far"}',
  })
  assert.deepEqual(
    [reply.statusCode, reply.headers['x-from'], reply.body],
    [202, 'far', '/things/things?a=b {"name":"far"}'],
  )
})

test('bytes of any size stream into a handler', async (t) => {
  const server = await serve(t)
  const payload = Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(16_384)))
  const headers = { ...token, 'content-type': 'application/octet-stream' }
  const reply = await server.inject({ method: 'PUT', url: '/things/bytes', headers, payload })
  assert.deepEqual(reply.json(), { size: 1_048_576 })
})

test('the signal is quiet for a client that waits for its answer, and aborts when one goes away', async (t) => {
  const started = Promise.withResolvers<AbortSignal>()
  const waiting = endpoint({
    method: 'PUT',
    path: '/waiting',
    rule: null,
    body: 'stream',
    handle: async ({ stream, signal, query }) => {
      for await (const _ of stream);
      await new Promise((resolve) => setImmediate(resolve))
      if ((query as { leaves?: string }).leaves === undefined) return { aborted: signal.aborted }
      started.resolve(signal)
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  })
  const server = Fastify({ forceCloseConnections: true })
  t.after(() => server.close())
  const gate = { verifyToken: () => member, router: routeHere, random: seededRandom(1), log: silentLogger }
  await registerApi(server, { ...api, endpoints: [waiting] }, gate)
  const url = `${await server.listen({ port: 0, host: '127.0.0.1' })}/things/waiting`
  const options = { method: 'PUT', body: 'bytes', headers: { 'content-type': 'application/octet-stream' } }
  assert.deepEqual(await (await fetch(url, options)).json(), { aborted: false })
  const client = new AbortController()
  const left = assert.rejects(fetch(`${url}?leaves`, { ...options, signal: client.signal }))
  const signal = await started.promise
  client.abort()
  await left
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
})
