/** What every `PeerTransport` does. Each implementation runs it. */

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import type { PeerIdentity } from '../trust/identity.ts'
import { mayHaveBeenDone, PeerUnreachable, type UnreachableDetail } from './errors.ts'
import type { MockHandler } from './mock-transport.ts'
import type { PeerTransport } from './peer-transport.ts'

export interface TransportFixture {
  /** Of a peer of site `a`. */
  readonly transport: PeerTransport
  readonly identity: PeerIdentity
  /** Ends site `b` at once, as a crash does. */
  crash(): Promise<void>
  close(): Promise<void>
}

/** @param create makes the transport of a peer of site `a`, and site `b`, where `handler` answers */
export function peerTransportSuite(
  name: string,
  create: (handler: MockHandler) => Promise<TransportFixture>,
): void {
  const fixture = async (t: TestContext, handler: MockHandler) => {
    const made = await create(handler)
    t.after(() => made.close())
    return made
  }
  const fact = (text: string, run: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${text}`, run)
  }
  const ok: MockHandler = async () => ({ status: 204 })

  fact('method, path, headers, body and sender arrive; status, headers and body come back', async (t) => {
    const { transport, identity } = await fixture(t, async (sender, request) => {
      const { method, path, headers, body } = request
      const seen = { sender, method, path, colour: headers['x-colour'], body: body.toString() }
      return { status: 201, headers: { 'x-shape': 'round' }, body: Buffer.from(JSON.stringify(seen)) }
    })
    const answer = await transport.request({
      site: 'b',
      method: 'PUT',
      path: '/v2.1/servers?limit=1',
      headers: { 'x-colour': 'blue', connection: 'keep-alive', host: 'elsewhere' },
      body: Buffer.from('words'),
    })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers['x-shape'], 'round')
    assert.deepEqual(JSON.parse((await buffer(answer.body)).toString()), {
      sender: identity,
      method: 'PUT',
      path: '/v2.1/servers?limit=1',
      colour: 'blue',
      body: 'words',
    })
  })

  fact('a body may be a stream, both ways', async (t) => {
    const { transport } = await fixture(t, async (_sender, { body }) => ({
      status: 200,
      body: Readable.from([body, body]),
    }))
    const body = Readable.from([Buffer.alloc(100_000, 'a'), Buffer.alloc(100_000, 'b')])
    const answer = await transport.request({ site: 'b', method: 'POST', path: '/', body })
    assert.equal((await buffer(answer.body)).length, 400_000)
  })

  fact('an answer of any status is an answer', async (t) => {
    const { transport } = await fixture(t, async (_sender, { path }) => ({ status: Number(path.slice(1)) }))
    for (const status of [204, 404, 429, 500, 503]) {
      const answer = await transport.request({ site: 'b', method: 'GET', path: `/${status}` })
      assert.equal(answer.status, status)
      await buffer(answer.body)
    }
  })

  fact('a handler that throws answers 500', async (t) => {
    const { transport } = await fixture(t, async () => {
      throw new Error('a defect')
    })
    const answer = await transport.request({ site: 'b', method: 'GET', path: '/' })
    assert.equal(answer.status, 500)
    assert.equal((await buffer(answer.body)).includes('defect'), false)
  })

  fact('an unknown site is unreachable, and nothing was done', async (t) => {
    const { transport } = await fixture(t, ok)
    const detail = await unreachable(transport.request({ site: 'z', method: 'GET', path: '/' }))
    assert.deepEqual(detail, { site: 'z', reason: 'no_connection', mayHaveBeenDone: false })
  })

  fact('a site that does not listen is unreachable, and nothing was done', async (t) => {
    const { transport, crash } = await fixture(t, ok)
    await crash()
    const detail = await unreachable(transport.request({ site: 'b', method: 'GET', path: '/' }))
    assert.deepEqual(detail, { site: 'b', reason: 'no_connection', mayHaveBeenDone: false })
  })

  fact('a site that crashes before it answers may have done the work', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const crashed = Promise.withResolvers<void>()
    const { transport, crash } = await fixture(t, async () => {
      arrived.resolve()
      await crashed.promise
      return { status: 204 }
    })
    const outcome = unreachable(transport.request({ site: 'b', method: 'GET', path: '/' }))
    await arrived.promise
    await crash()
    crashed.resolve()
    assert.deepEqual(await outcome, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: true })
  })

  fact('a request that takes too long may have been done', async (t) => {
    const late = Promise.withResolvers<void>()
    const { transport } = await fixture(t, async () => {
      await late.promise
      return { status: 204 }
    })
    const request = { site: 'b', method: 'GET', path: '/', timeoutMs: 300 }
    const detail = await unreachable(transport.request(request))
    late.resolve()
    assert.deepEqual(detail, { site: 'b', reason: 'timeout', mayHaveBeenDone: true })
  })

  fact('a signal ends a request with its own reason', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const late = Promise.withResolvers<void>()
    const { transport } = await fixture(t, async () => {
      arrived.resolve()
      await late.promise
      return { status: 204 }
    })
    const abort = new AbortController()
    const body = Readable.from([Buffer.from('x')])
    const request = transport.request({ site: 'b', method: 'POST', path: '/', body, signal: abort.signal })
    await arrived.promise
    abort.abort(new Error('enough'))
    await assert.rejects(request, /enough/)
    assert.equal(body.destroyed, true)
    late.resolve()
    const again = transport.request({ site: 'b', method: 'GET', path: '/', signal: abort.signal })
    await assert.rejects(again, /enough/)
  })

  fact('the round trip is measured, and time-outs follow from it', async (t) => {
    const { transport } = await fixture(t, ok)
    assert.equal(transport.roundTripMs('b'), undefined)
    const blindMs = transport.timeoutFor('b', 100)
    for (let round = 0; transport.roundTripMs('b') === undefined && round < 1000; round++) {
      await buffer((await transport.request({ site: 'b', method: 'GET', path: '/' })).body)
    }
    assert.ok((transport.roundTripMs('b') ?? Number.NaN) >= 0)
    assert.ok(transport.timeoutFor('b', 100) < blindMs)
    assert.equal(transport.timeoutFor('b', 600), transport.timeoutFor('b', 100) + 500)
  })

  fact('after closing, what is under way ends and nothing more is sent', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const late = Promise.withResolvers<void>()
    const { transport } = await fixture(t, async () => {
      arrived.resolve()
      await late.promise
      return { status: 204 }
    })
    const pending = unreachable(transport.request({ site: 'b', method: 'GET', path: '/' }))
    await arrived.promise
    await transport.close()
    assert.equal((await pending).mayHaveBeenDone, true)
    late.resolve()
    const detail = await unreachable(transport.request({ site: 'b', method: 'GET', path: '/' }))
    assert.deepEqual(detail, { site: 'b', reason: 'closed', mayHaveBeenDone: false })
  })
}

/** The detail of the error that `request` fails with. */
export async function unreachable(request: Promise<unknown>): Promise<UnreachableDetail> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!PeerUnreachable.is(error)) throw new Error('the request was not unreachable', { cause: error })
  const detail = error.detail as UnreachableDetail
  assert.equal(mayHaveBeenDone(error), detail.mayHaveBeenDone)
  return detail
}
