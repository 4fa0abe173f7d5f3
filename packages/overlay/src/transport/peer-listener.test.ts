import assert from 'node:assert/strict'
import { buffer, json } from 'node:stream/consumers'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { fastify } from 'fastify'
import { keyPair, MemoryTokenStore, testCloud } from '../testing.ts'
import { JoinAnswerInvalid, JoinRefused } from '../trust/errors.ts'
import type { PeerIdentity } from '../trust/identity.ts'
import { acceptJoin, completeJoin, createJoinRequest } from '../trust/join.ts'
import { issueJoinToken } from '../trust/join-token.ts'
import { Http2Transport } from './http2-transport.ts'
import { createPeerGate, type GateSocket } from './peer-gate.ts'
import { createPeerListener, peerServerOptions } from './peer-listener.ts'
import { requestJoin } from './request-join.ts'

const issue = { clock: systemClock, random: systemRandom }
const founder = await testCloud()
const cloudAuthority = keyPair(founder.cloudAuthority)
const credentials = { keys: founder }

async function invitation(keys = founder) {
  const store = new MemoryTokenStore(['a'])
  const token = await issueJoinToken({
    issuerCode: 1,
    cloudAuthority: keys.cloudAuthority,
    store,
    random: systemRandom,
    expiresAtMs: Date.now() + 60_000,
  })
  return { store, token }
}

test('Fastify serves peers over mutual TLS and strangers only on the join path', async (t) => {
  const { store, token } = await invitation()
  const gate = createPeerGate({ credentials, clock: systemClock })
  const app = fastify({ http2: true, https: peerServerOptions(credentials) })
  t.after(() => app.close())
  const senders = new WeakMap<object, PeerIdentity>()
  app.addHook('onRequest', async (request) => {
    const identity = gate(request.raw.socket as GateSocket, request.url)
    if (identity) senders.set(request, identity)
  })
  app.post('/peer/v1/join', ({ body }) =>
    acceptJoin({ ...issue, admitter: { cloudAuthority }, store, request: body }),
  )
  app.get('/peer/v1/self', (request) => senders.get(request))
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const address = { host: '127.0.0.1', port: Number(port) }

  const pending = await createJoinRequest({ token, siteName: 'b' })
  const answer = await requestJoin({ address, pending, clock: systemClock })
  const keys = await completeJoin({ ...issue, pending, answer, peerName: 'peer-1' })
  const transport = new Http2Transport({ ...issue, credentials: { keys }, resolve: () => [address] })
  t.after(() => transport.close())
  const self = await transport.request({ site: 'a', method: 'GET', path: '/peer/v1/self' })
  assert.deepEqual(await json(self.body), { cloud: 'reef', site: 'b', peer: 'peer-1' })

  const refused = requestJoin({ address, pending, clock: systemClock, path: '/peer/v1/self' })
  await assert.rejects(refused, JoinRefused.is)
})

test('a joiner does not tell its secret to another cloud than that of the token', async (t) => {
  const { token } = await invitation(await testCloud())
  let requests = 0
  const listener = createPeerListener({
    credentials,
    clock: systemClock,
    onRequest: () => {
      requests++
    },
  })
  t.after(() => listener.close())
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  const pending = await createJoinRequest({ token, siteName: 'b' })
  await assert.rejects(requestJoin({ address, pending, clock: systemClock }), JoinAnswerInvalid.is)
  assert.equal(requests, 0)
})

test('a closing listener lets a request under way finish', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const listener = createPeerListener({
    credentials,
    clock: systemClock,
    onRequest: async (_identity, _request, response) => {
      arrived.resolve()
      await release.promise
      response.end('done')
    },
  })
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  const transport = new Http2Transport({ ...issue, credentials, resolve: () => [address] })
  t.after(() => transport.close())
  const request = transport.request({ site: 'a', method: 'GET', path: '/' })
  await arrived.promise
  const closing = listener.close()
  release.resolve()
  assert.equal((await buffer((await request).body)).toString(), 'done')
  await closing
})

test('a port in use fails the start', async (t) => {
  const options = { credentials, clock: systemClock, onRequest: () => {} }
  const first = createPeerListener(options)
  t.after(() => first.close())
  const address = await first.listen({ host: '127.0.0.1', port: 0 })
  await assert.rejects(createPeerListener(options).listen(address), { code: 'EADDRINUSE' })
})
