import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { seededRandom, silentLogger } from '@atoll/kit'
import Fastify from 'fastify'
import { type Api, endpoint } from './endpoint.ts'
import { Unauthorized } from './errors.ts'
import { registerApi } from './register-api.ts'
import { routeHere } from './routing.ts'
import { serverOptions } from './server-options.ts'

const api: Api = {
  prefix: '/image',
  faults: 'glance',
  rules: {},
  endpoints: [
    endpoint({ method: 'GET', path: '/tags/:tag', rule: null, handle: async ({ params }) => params }),
  ],
}

async function serve(t: TestContext): Promise<number> {
  const random = seededRandom(1)
  const server = Fastify(serverOptions([api], random))
  t.after(() => server.close())
  const verifyToken = () => {
    throw Unauthorized({})
  }
  await registerApi(server, api, { verifyToken, router: routeHere, random, log: silentLogger })
  await server.listen({ host: '127.0.0.1', port: 0 })
  return (server.server.address() as AddressInfo).port
}

/** Over the wire, since `inject` would refuse such a path itself. */
function get(port: number, path: string) {
  return new Promise<{ status: number | undefined; requestId: unknown; body: unknown }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false }, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.once('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
        resolve({ status: message.statusCode, requestId: message.headers['x-openstack-request-id'], body })
      })
    })
    sent.once('error', reject)
    sent.end()
  })
}

const refused: readonly [what: string, path: string, status: number, title: string][] = [
  ['an escape that is none', '/image/tags/%zz', 400, 'Bad Request'],
  ['an escape that is no UTF-8', '/image/tags/%c3%28', 400, 'Bad Request'],
  ['an escaped NUL', '/image/tags/a%00', 400, 'Bad Request'],
  ['a name longer than any', `/image/tags/${'x'.repeat(4097)}`, 404, 'Not Found'],
]
for (const [what, path, status, title] of refused) {
  test(`a path with ${what} is ${status} in the form of its API, with a request id`, async (t) => {
    const reply = await get(await serve(t), path)
    assert.equal(reply.status, status)
    assert.match(String(reply.requestId), /^req-[0-9a-f-]{36}$/)
    const { message, ...rest } = reply.body as { message: string }
    assert.deepEqual(rest, { code: `${status} ${title}`, title })
    assert.ok(message.length < 100 && !message.includes('FST_'), message)
  })
}

test('a name of as many characters as a tag may have is taken', async (t) => {
  const tag = '🏝'.repeat(255)
  const reply = await get(await serve(t), `/image/tags/${encodeURIComponent(tag)}`)
  assert.deepEqual(reply.body, { tag })
})
