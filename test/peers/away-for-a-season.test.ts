/** Real peers as processes: a machine that was off for so long that its certificates have expired comes back by itself. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startLocalCloud } from '@atoll/cli'
import { type Clock, systemClock, systemRandom } from '@atoll/kit'
import { defaultValidity, issuePeer, issueSite, KeyStore, siteCodesOf } from '@atoll/overlay'
import { waitUntil } from '@atoll/sdk'

const TEST_TIMEOUT_MS = 180_000
const DAY_MS = 86_400_000
const AWAY_MS = 90 * DAY_MS

const ago = (ms: number): Clock => ({ ...systemClock, nowMs: () => systemClock.nowMs() - ms })
const keysOf = (dataDirectory: string) => join(dataDirectory, 'keys')

test('a site comes back after 90 days off, when its peer’s certificate has expired, and its own one, too', {
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-away-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const peerOptions = ['--hypervisor', 'simulated', '--hosts', '1']
  await using cloud = await startLocalCloud({ name: 'reef', sites: ['east', 'west'], directory, peerOptions })
  const [east, west] = [cloud.peer('east'), cloud.peer('west')]
  const { keys: founder } = await KeyStore.open(keysOf(east.dataDirectory))
  const { certificate, privateKey = '' } = founder.cloudAuthority
  const aged = [
    { siteAgeMs: AWAY_MS, peerAgeMs: AWAY_MS },
    { siteAgeMs: defaultValidity.siteLifeMs + AWAY_MS, peerAgeMs: defaultValidity.siteLifeMs + AWAY_MS },
  ]
  for (const { siteAgeMs, peerAgeMs } of aged) {
    await west.stop()
    const former = await ageKeys(keysOf(west.dataDirectory), {
      issuer: { certificate, privateKey },
      siteAgeMs,
      peerAgeMs,
    })
    assert.ok(former.peerEndMs < systemClock.nowMs(), 'the certificate of the peer has expired')
    await west.start()
    await waitUntil({ what: () => 'both reach each other', timeoutMs: 60_000, intervalMs: 200 }, async () => {
      const [ofEast, ofWest] = [await east.status(), await west.status()]
      const isReachable = (status: typeof ofEast, site: string) =>
        status.sites.some(({ name, isReachable: yes }) => name === site && yes)
      return isReachable(ofEast, 'west') && isReachable(ofWest, 'east')
    })
    const { certificates } = await west.status()
    assert.ok(Date.parse(certificates?.peerEndsAt ?? '') > systemClock.nowMs())
    assert.ok(
      Date.parse(certificates?.siteEndsAt ?? '') > systemClock.nowMs() + defaultValidity.siteLifeMs / 2,
    )
  }
})

/** Certificates as they would be on a machine that was off since they were issued. */
async function ageKeys(
  directory: string,
  options: {
    issuer: { certificate: string; privateKey: string }
    siteAgeMs: number
    peerAgeMs: number
  },
): Promise<{ readonly peerEndMs: number }> {
  const { issuer, siteAgeMs, peerAgeMs } = options
  const { keys, identity } = await KeyStore.open(directory)
  const { cloud, site } = identity
  const random = systemRandom
  const present = new X509Certificate(keys.site.certificate)
  const siteCertificate = await issueSite({
    ...{ clock: ago(siteAgeMs), random, issuer, identity: { cloud, site } },
    ...{ code: siteCodesOf(present)?.first ?? 0, publicKey: present.publicKey },
  })
  const peerCertificate = await issuePeer({
    ...{ clock: ago(peerAgeMs), random, site: { ...keys.site, certificate: siteCertificate }, identity },
    publicKey: new X509Certificate(keys.peer.certificate).publicKey,
  })
  for (const [name, text] of [
    ['site.crt', siteCertificate],
    ['peer.crt', peerCertificate],
  ] as const)
    writeFileSync(join(directory, name), text)
  const written = new X509Certificate(readFileSync(join(directory, 'peer.crt')))
  return { peerEndMs: written.validToDate.getTime() }
}
