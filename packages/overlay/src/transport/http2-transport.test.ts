/** The HTTP/2 transport over real sockets. One file because all cases need the same servers, certificates and faults. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import test, { type TestContext } from 'node:test'
import { systemClock, systemRandom, TooBusy } from '@atoll/kit'
import {
  admitterOfCloud,
  clockAt,
  forgedPeer,
  forgedSite,
  keyPair,
  testCloud,
  testSite,
  until,
  VirtualClock,
} from '../testing.ts'
import { renewPeer } from '../trust/authority.ts'
import { type SubjectName, siteName } from '../trust/identity.ts'
import type { CredentialSource, KeyPair, KeyRing } from '../trust/key-ring.ts'
import { defaultValidity } from '../trust/validity.ts'
import type { Address } from './dial.ts'
import { Http2Transport, type Http2TransportOptions } from './http2-transport.ts'
import type { MockHandler } from './mock-transport.ts'
import { createPeerListener, type PeerListenerOptions, type PeerRequestHandler } from './peer-listener.ts'
import { peerTransportSuite, unreachable } from './peer-transport.suite.ts'

const founder = await testCloud()
const cloudAuthority = keyPair(founder.cloudAuthority)
const siteB = await testSite({ cloudAuthority, site: 'b' })
const expired = await testSite({
  cloudAuthority,
  site: 'b',
  clock: clockAt(Date.now() - 2 * defaultValidity.peerLifeMs),
})
const stranger = await testCloud()
const liar = await testSite({ cloudAuthority, site: 'c', peerSite: 'b' })
const forged = await forgedPeer(siteB)
const forger = await forgedSite({ cloudAuthority, forger: 'c', site: 'b' })

const siteC = await testSite({ cloudAuthority, site: 'c' })
const admitter = await admitterOfCloud({
  cloudAuthority,
  site: 'c',
  codes: { first: 300, last: 309 },
  keys: siteC,
})

/** A site that `issuer` has certified, rightfully or not; `subject` is the name that OpenSSL looks at. */
async function admittedBy(
  issuer: KeyPair,
  { site, code }: { site: string; code: number },
  subject?: SubjectName,
): Promise<KeyRing> {
  const keys = await testSite({ cloudAuthority: issuer, site, code, ...(subject && { subject }) })
  return { ...keys, cloudAuthority: founder.cloudAuthority, admitter: issuer }
}

const world = { clock: systemClock, random: systemRandom }
const loopback: Address = { host: '127.0.0.1', port: 0 }
const get = { site: 'b', method: 'GET', path: '/' }
const ok: PeerRequestHandler = (_identity, _request, response) => {
  response.writeHead(204).end()
}

async function listen(
  t: TestContext,
  onRequest: PeerRequestHandler,
  options: Partial<PeerListenerOptions> & { address?: Address } = {},
) {
  const { address = loopback, ...others } = options
  const listener = createPeerListener({
    credentials: { keys: siteB },
    clock: systemClock,
    settings: { drainMsMax: 0 },
    onRequest,
    ...others,
  })
  t.after(() => listener.close())
  return { listener, address: await listener.listen(address) }
}

function transportTo(
  t: TestContext,
  addresses: readonly Address[],
  options: { keys?: KeyRing } & Partial<Http2TransportOptions> = {},
) {
  const { keys = founder, ...others } = options
  const transport = new Http2Transport({
    credentials: { keys },
    resolve: (site) => (site === 'b' ? addresses : []),
    clock: systemClock,
    random: systemRandom,
    ...others,
  })
  t.after(() => transport.close())
  return transport
}

peerTransportSuite('http2', async (handler: MockHandler) => {
  const listener = createPeerListener({
    credentials: { keys: siteB },
    clock: systemClock,
    settings: { drainMsMax: 0 },
    onRequest: async (identity, request, response) => {
      assert(identity)
      const { method, url: path, headers } = request
      const answer = await handler(identity, {
        method,
        path,
        headers: headers as Record<string, string>,
        body: await buffer(request),
      })
      response.writeHead(answer.status, answer.headers as Record<string, string>)
      await pipeline(
        answer.body instanceof Readable ? answer.body : Readable.from([answer.body ?? '']),
        response,
      )
    },
  })
  const address = await listener.listen(loopback)
  const transport = new Http2Transport({
    credentials: { keys: founder },
    resolve: (site) => (site === 'b' ? [address] : []),
    clock: systemClock,
    random: systemRandom,
  })
  return {
    transport,
    identity: { cloud: 'reef', site: 'a', peer: 'peer-1' },
    crash: () => listener.close(),
    close: async () => {
      await transport.close()
      await listener.close()
    },
  }
})

test('after a renewal the new certificate is shown, although the connection with the former one still stands', async (t) => {
  const { address } = await listen(t, ok)
  const credentials: { keys: KeyRing } = { keys: { ...expired, cloudAuthority: founder.cloudAuthority } }
  const transport = transportTo(t, [address], { credentials })
  assert.equal((await transport.request(get)).status, 401)
  const peer = { ...expired.peer, certificate: await renewPeer({ ...world, keys: expired }) }
  credentials.keys = { ...credentials.keys, peer }
  assert.equal((await transport.request(get)).status, 204)
})

test('a site that another one has admitted is reached and known by its certificates', async (t) => {
  const senders: unknown[] = []
  const { address } = await listen(
    t,
    (identity, _request, response) => {
      senders.push(identity)
      response.writeHead(204).end()
    },
    { credentials: { keys: await admittedBy(admitter, { site: 'c--d', code: 301 }) } },
  )
  const resolve = () => [address]
  await transportTo(t, [], { resolve }).request({ ...get, site: 'c--d' })
  const keys = await admittedBy(admitter, { site: 'c--e', code: 302 })
  await transportTo(t, [], { resolve, keys }).request({ ...get, site: 'c--d' })
  assert.deepEqual(senders, [
    { cloud: 'reef', site: 'a', peer: 'peer-1' },
    { cloud: 'reef', site: 'c--e', peer: 'peer-1' },
  ])
})

test('who admits sites can pass for none that it has not admitted, nor give codes that are not its own', async (t) => {
  const underItsOwn = await admittedBy(admitter, { site: 'b', code: 301 }, siteName({ site: 'c--b' }))
  const forgeries = [
    await admittedBy(admitter, { site: 'b', code: 301 }),
    underItsOwn,
    await admittedBy(keyPair(siteC.site), { site: 'c--b', code: 301 }),
    await admittedBy(admitter, { site: 'c--b', code: 999 }),
  ]
  for (const [index, keys] of forgeries.entries()) {
    const site = index < 2 ? 'b' : 'c--b'
    const { address } = await listen(t, ok, { credentials: { keys } })
    const asServer = await unreachable(
      transportTo(t, [], { resolve: () => [address] }).request({ ...get, site }),
    )
    assert.equal(asServer.reason, 'wrong_identity', `server ${index}`)
    const genuine = await listen(t, ok)
    const { status } = await transportTo(t, [genuine.address], { keys }).request(get)
    assert.equal(status, 401, `client ${index}`)
  }
})

test('a server of another site, of another cloud, with a forged or an expired certificate gets no request', async (t) => {
  for (const keys of [founder, stranger, liar, forger, forged, expired]) {
    let requests = 0
    const count: PeerRequestHandler = () => {
      requests++
    }
    const { address } = await listen(t, count, { credentials: { keys } })
    const detail = await unreachable(transportTo(t, [address]).request(get))
    assert.deepEqual(detail, { site: 'b', reason: 'wrong_identity', mayHaveBeenDone: false })
    assert.equal(requests, 0)
  }
})

test('a client of another cloud, with a forged or an expired certificate is answered 401', async (t) => {
  let requests = 0
  const count: PeerRequestHandler = () => {
    requests++
  }
  const { address } = await listen(t, count)
  for (const keys of [stranger, liar, forger, forged, expired]) {
    // It trusts the server, so that only the server can refuse.
    const credentials: CredentialSource = { keys: { ...keys, cloudAuthority } }
    for (const path of ['/', '/peer/v1/join']) {
      const answer = await transportTo(t, [address], { credentials }).request({ ...get, path })
      assert.equal(answer.status, 401)
      assert.match((await buffer(answer.body)).toString(), /"title":"overlay.peer.identity_invalid"/)
    }
  }
  assert.equal(requests, 0)
})

test('without a certificate only the join path is open', async (t) => {
  const { address } = await listen(t, (identity, _request, response) => {
    response.end(identity ? 'a peer' : 'a stranger')
  })
  const session = connectHttp2(`https://127.0.0.1:${address.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const statusOf = async (path: string) => {
    const stream = session.request({ ':path': path })
    const [headers] = await once(stream, 'response')
    return [headers[':status'], (await buffer(stream)).toString()]
  }
  assert.deepEqual(await statusOf('/peer/v1/join'), [200, 'a stranger'])
  assert.deepEqual(await statusOf('/peer/v1/join?x=1'), [200, 'a stranger'])
  for (const path of ['/', '/peer/v1/joins', '/peer/v1/join/', '/peer/v1/join/../feed', '/x?/peer/v1/join']) {
    assert.equal((await statusOf(path))[0], 401, path)
  }
})

test('a certificate that expires while its connection lives is refused from then on', async (t) => {
  let nowMs = Date.now()
  const clock = { ...systemClock, nowMs: () => nowMs }
  const { address } = await listen(t, ok, { clock })
  const transport = transportTo(t, [address])
  assert.equal((await transport.request(get)).status, 204)
  nowMs += 2 * defaultValidity.peerLifeMs
  assert.equal((await transport.request(get)).status, 401)
})

test('a listener shows its renewed certificate to those who connect after', async (t) => {
  const credentials: { keys: KeyRing } = { keys: expired }
  const { listener, address } = await listen(t, ok, { credentials })
  assert.equal((await unreachable(transportTo(t, [address]).request(get))).reason, 'wrong_identity')
  credentials.keys = siteB
  listener.renew()
  assert.equal((await transportTo(t, [address]).request(get)).status, 204)
})

test('many requests share one connection, and no more than allowed are under way', async (t) => {
  let underWay = 0
  let most = 0
  const sockets = new Set<unknown>()
  const { address } = await listen(t, async (_identity, request, response) => {
    sockets.add(request.stream.session)
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    response.writeHead(204).end()
  })
  const transport = transportTo(t, [address], { settings: { requestsMax: 4, waitingMax: 100 } })
  const answers = await Promise.all(
    Array.from({ length: 104 }, async () => {
      const answer = await transport.request(get)
      answer.body.resume()
      return answer.status
    }),
  )
  assert.ok(answers.every((status) => status === 204))
  assert.equal(sockets.size, 1)
  assert.ok(most <= 4)
})

test('when too many wait, one more is refused at once', async (t) => {
  const release = Promise.withResolvers<void>()
  const { address } = await listen(t, async (_identity, _request, response) => {
    await release.promise
    response.writeHead(204).end()
  })
  const transport = transportTo(t, [address], { settings: { requestsMax: 1, waitingMax: 1 } })
  const outcomes = Promise.allSettled(
    Array.from({ length: 3 }, async () => {
      const { body } = await transport.request(get)
      body.resume()
    }),
  )
  await assert.rejects(transport.request(get), TooBusy.is)
  release.resolve()
  assert.deepEqual((await outcomes).map(({ status }) => status).sort(), [
    'fulfilled',
    'fulfilled',
    'rejected',
  ])
})

test('addresses are tried in turn', async (t) => {
  const { address } = await listen(t, ok)
  const { address: other } = await listen(t, ok, { credentials: { keys: founder } })
  const closed = createServer()
  const nobody = await portOf(closed)
  await new Promise((resolve) => closed.close(resolve))
  const transport = transportTo(t, [nobody, other, address])
  assert.equal((await transport.request(get)).status, 204)
})

test('the session is made again after the server was restarted', async (t) => {
  const first = await listen(t, ok)
  const transport = transportTo(t, [first.address], { settings: { backoffMs: 1, backoffMsMax: 2 } })
  assert.equal((await transport.request(get)).status, 204)
  await first.listener.close()
  assert.equal((await unreachable(transport.request(get))).mayHaveBeenDone, false)
  await listen(t, ok, { address: first.address })
  let status = 0
  const attempt = () => {
    transport.request(get).then((answer) => {
      status = answer.status
    }, attempt)
  }
  attempt()
  await until(() => status === 204, 'an answer of the restarted server')
})

test('while it backs off, a site is refused at once with the time of the next attempt', async (t) => {
  const closed = createServer()
  const nobody = await portOf(closed)
  await new Promise((resolve) => closed.close(resolve))
  const random = { ...systemRandom, below: (limit: number) => limit - 1 }
  const transport = transportTo(t, [nobody], {
    random,
    settings: { backoffMs: 60_000, backoffMsMax: 60_000 },
  })
  await unreachable(transport.request(get))
  const error = await transport.request(get).catch((reason: { retryAfterMs?: number }) => reason)
  assert.ok('retryAfterMs' in error && error.retryAfterMs !== undefined)
  assert.ok(error.retryAfterMs > 50_000 && error.retryAfterMs <= 60_000)
})

test('a site that falls silent is noticed by its pings, and the request may have been done', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { address } = await listen(t, () => arrived.resolve())
  const relay = await createRelay(t, address)
  const roundTrip = { initialMs: 100, exchangeMsMin: 25, exchanges: 4 }
  const transport = transportTo(t, [relay.address], {
    settings: { roundTrip, pingIntervalMs: 10, workMsMax: 60_000 },
  })
  const outcome = unreachable(transport.request(get))
  await arrived.promise
  relay.silence()
  assert.deepEqual(await outcome, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: true })
})

test('a session that carried nothing for long is closed, and made again when it is needed', async (t) => {
  const sessions = new Set<{ readonly destroyed: boolean }>()
  const { address } = await listen(t, (_identity, request, response) => {
    if (request.stream.session) sessions.add(request.stream.session)
    response.writeHead(204).end()
  })
  const transport = transportTo(t, [address], { settings: { pingIntervalMs: 5, idleMsMax: 20 } })
  ;(await transport.request(get)).body.resume()
  await until(() => [...sessions].every(({ destroyed }) => destroyed), 'the end of the idle session')
  assert.equal((await transport.request(get)).status, 204)
  assert.equal(sessions.size, 2)
})

test('a body that was cut short never looks whole', async (t) => {
  for (const cut of ['cancel', 'error', 'connection'] as const) {
    const { address } = await listen(t, (_identity, _request, response) => {
      response.writeHead(200)
      response.write('half', () => {
        if (cut === 'connection') response.stream.session?.destroy()
        else response.stream.close(cut === 'cancel' ? 8 : 2)
      })
    })
    const { body } = await transportTo(t, [address]).request(get)
    const detail = await unreachable(buffer(body))
    assert.deepEqual(detail, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: true }, cut)
  }
})

test('64 MiB stream through in both directions at once in bounded memory', async (t) => {
  const { address } = await listen(t, async (_identity, request, response) => {
    response.writeHead(200)
    await pipeline(request, response)
  })
  const pieceBytes = 64 * 1024
  const pieces = 1024
  let sent = 0
  let received = 0
  let aheadMax = 0
  async function* source() {
    for (; sent < pieces * pieceBytes; sent += pieceBytes) {
      aheadMax = Math.max(aheadMax, sent - received)
      yield Buffer.alloc(pieceBytes, sent / pieceBytes)
    }
  }
  const windowBytes = 256 * 1024
  const settings = { streamWindowBytes: windowBytes, sessionWindowBytes: windowBytes }
  const transport = transportTo(t, [address], { settings })
  const answer = await transport.request({
    ...get,
    method: 'POST',
    body: Readable.from(source(), { objectMode: false }),
  })
  for await (const piece of answer.body) received += (piece as Buffer).length
  assert.equal(received, pieces * pieceBytes)
  // Our window, the listener's of 2 MiB, and what sockets and stream buffers hold.
  assert.ok(aheadMax < 16 * 1024 * 1024, `${aheadMax} bytes were under way`)
})

test('a slow reader slows the sender down', async (t) => {
  let written = 0
  let isDone = false
  const { address } = await listen(t, async (_identity, _request, response) => {
    async function* source() {
      for (; written < 64 * 1024 * 1024; written += 65_536) yield Buffer.alloc(65_536)
      isDone = true
    }
    await pipeline(Readable.from(source(), { objectMode: false }), response)
  })
  const settings = { streamWindowBytes: 65_536, sessionWindowBytes: 65_536 }
  const { body } = await transportTo(t, [address], { settings }).request(get)
  let before = -1
  await until(() => {
    const isStill = written > 0 && written === before
    before = written
    return isStill
  }, 'a sender that waits')
  assert.ok(written < 8 * 1024 * 1024)
  assert.equal(isDone, false)
  let bytes = 0
  for await (const piece of body) bytes += (piece as Buffer).length
  assert.equal(bytes, 64 * 1024 * 1024)
})

test('an upload that makes progress may take longer than the time-out', async (t) => {
  const { address } = await listen(t, async (_identity, request, response) => {
    await buffer(request)
    response.writeHead(204).end()
  })
  const clock = new VirtualClock(Date.now())
  const transport = transportTo(t, [address], { clock })
  const upload = async (pauseMs: number) => {
    async function* source() {
      for (let piece = 0; piece < 3; piece++) {
        yield Buffer.from('x')
        clock.advance(pauseMs)
      }
    }
    const body = Readable.from(source())
    const { status } = await transport.request({ ...get, method: 'POST', body, timeoutMs: 1000 })
    return status
  }
  assert.equal(await upload(900), 204)
  assert.equal((await unreachable(upload(1000))).reason, 'timeout')
})

test('once the answer has begun, the time-out is over, even while the upload goes on', async (t) => {
  const { address } = await listen(t, async (_identity, request, response) => {
    response.stream.respond({ ':status': 200 })
    await pipeline(request, response.stream)
  })
  const clock = new VirtualClock(Date.now())
  const upload = new PassThrough()
  const request = { ...get, method: 'POST', body: upload, timeoutMs: 1000 }
  const { body } = await transportTo(t, [address], { clock }).request(request)
  const pieces = body[Symbol.asyncIterator]()
  upload.write('after the headers')
  assert.equal(String((await pieces.next()).value), 'after the headers')
  clock.advance(1500)
  upload.end('after the time-out')
  assert.equal(String((await pieces.next()).value), 'after the time-out')
  assert.equal((await pieces.next()).done, true)
})

test('a request that the peer disowns when it goes away was not done', async (t) => {
  const { address } = await listen(t, (_identity, request, response) => {
    if (request.url === '/disowned') request.stream.session?.goaway(0, 1)
    else response.writeHead(204).end()
  })
  const transport = transportTo(t, [address])
  ;(await transport.request(get)).body.resume()
  const detail = await unreachable(transport.request({ ...get, path: '/disowned' }))
  assert.deepEqual(detail, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: false })
})

test('a source that fails in the middle fails the request with its own error', async (t) => {
  const { address } = await listen(t, async (_identity, request, response) => {
    await buffer(request)
    response.writeHead(204).end()
  })
  async function* source() {
    yield Buffer.from('x')
    throw new Error('the disk is gone')
  }
  const request = { ...get, method: 'POST', body: Readable.from(source()) }
  await assert.rejects(transportTo(t, [address]).request(request), (error: Error) => {
    const chain = [error, error.cause].map(String)
    return chain.some((text) => text.includes('the disk is gone'))
  })
})

async function portOf(server: Server): Promise<Address> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** A wire that can be made to swallow everything without being closed. */
async function createRelay(t: TestContext, target: Address) {
  const sockets: Socket[] = []
  const { connect } = await import('node:net')
  const server = createServer((near) => {
    const far = connect(target.port, target.host)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far).pipe(near)
    sockets.push(near, far)
  })
  const address = await portOf(server)
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const silence = () => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  return { address, silence }
}
