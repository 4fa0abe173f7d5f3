/** Peers and machines that were away for a season: their certificates have expired, and they come back by themselves. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Clock, silentLogger, systemClock, systemRandom } from '@atoll/kit'
import {
  chainOfKeys,
  createPeerListener,
  foundCloud,
  Http2Transport,
  KeyStore,
  PeerIdentityInvalid,
  verifyChain,
} from '@atoll/overlay'
import { renewPeerIfDue } from './renewal.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const ABSENCE_MS = 90 * DAY_MS

const at = (nowMs: number): Clock => ({ ...systemClock, nowMs: () => nowMs })

/** The keys of a cloud's first peer, made at a time, as they lie in the data of `copies` machines. */
async function keysFrom(t: TestContext, foundedMs: number, copies = 1): Promise<KeyStore[]> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-renewal-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const founding = { cloudName: 'reef', siteName: 'east', siteCode: 1, peerName: 'p' }
  const keys = await foundCloud({ ...founding, clock: at(foundedMs), random: systemRandom })
  return Promise.all(
    Array.from({ length: copies }, (_, copy) => KeyStore.create(join(directory, `${copy}`), keys)),
  )
}

const renew = (keys: KeyStore, nowMs: number) =>
  renewPeerIfDue({ keys, clock: at(nowMs), random: systemRandom, log: silentLogger })

function verify({ keys }: KeyStore, nowMs: number): void {
  verifyChain(chainOfKeys(keys), {
    cloudAuthority: new X509Certificate(keys.cloudAuthority.certificate),
    nowMs,
  })
}

test('a site that is cut off for 90 days keeps valid certificates all the time, by itself', async (t) => {
  const startMs = systemClock.nowMs()
  const [keys] = await keysFrom(t, startMs)
  assert(keys)
  let renewals = 0
  for (let nowMs = startMs; nowMs <= startMs + ABSENCE_MS; nowMs += HOUR_MS) {
    if (await renew(keys, nowMs)) renewals++
    verify(keys, nowMs)
  }
  assert.ok(renewals >= 5 && renewals <= 8, `${renewals} renewals`)
})

test('a machine that was off for 90 days is refused, renews before it talks, and is heard again', async (t) => {
  const nowMs = systemClock.nowMs()
  const [away, present] = await keysFrom(t, nowMs - ABSENCE_MS, 2)
  assert(away && present)
  assert.throws(() => verify(away, nowMs), PeerIdentityInvalid.is)
  await renew(present, nowMs)
  const listener = createPeerListener({
    credentials: present,
    clock: systemClock,
    onRequest: (_identity, _request, response) => void response.writeHead(204).end(),
  })
  t.after(() => listener.close())
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  const ask = async () => {
    const world = { clock: systemClock, random: systemRandom }
    await using transport = disposable(
      new Http2Transport({ ...world, credentials: away, resolve: () => [address] }),
    )
    const { status, body } = await transport.request({ site: 'east', method: 'GET', path: '/' })
    body.resume()
    return status
  }
  assert.equal(await ask(), 401)
  assert.equal(await renew(away, nowMs), true)
  assert.equal(await ask(), 204)
  assert.equal(await renew(away, nowMs), false, 'not due again')
})

function disposable(transport: Http2Transport): Http2Transport & AsyncDisposable {
  return Object.assign(transport, { [Symbol.asyncDispose]: () => transport.close() })
}
