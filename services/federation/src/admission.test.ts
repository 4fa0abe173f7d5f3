/** Sites that certify each other, with real keys and certificates, and a clock that each test moves. */

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import test from 'node:test'
import { AtollError, mintId, systemClock, systemRandom } from '@atoll/kit'
import {
  allSiteCodes,
  CannotCertify,
  CertificateExpiredLongAgo,
  createCertificateRequest,
  createJoinRequest,
  createSigningRequest,
  generatePrivateKey,
  JoinCodesUsedUp,
  JoinRequestMalformed,
  JoinSiteNameReserved,
  JoinSiteTaken,
  JoinTokenExpired,
  JoinTokenUnknown,
  RENEWAL_GRACE_MS,
  siteCodesOf,
  validityOf,
} from '@atoll/overlay'
import { all, type CertifiedSite, openCertifiedCloud, until } from './certified-cloud.ts'
import { certificatesOf } from './certified-codes.ts'
import { CannotAdmit, SiteNotTrusted, SiteRevoked, TokenIssuerUnknown } from './errors.ts'
import { JoinDesk } from './join-desk.ts'
import { siteRevocations, sites, withoutHeir } from './records.ts'

const DAY_MS = 86_400_000

const endOf = ({ certificate }: { certificate: string }) =>
  validityOf(new X509Certificate(certificate)).notAfterMs

test('a trusted site admits others while the founder is away; one that is not trusted does not', async (t) => {
  const { east, reachable, joinAt, trustAll, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  await tellAll()
  await west.keeper.pass()
  const message = /at one of: east\. .* atoll trust west/
  await assert.rejects(
    west.admission.issueToken({ lifeMs: 1000 }),
    (error) => CannotAdmit.is(error) && message.test(error.message),
  )
  await assert.rejects(
    east.admission.letAdmit(await createCertificateRequest(west.held.keys)),
    SiteNotTrusted.is,
  )

  await trustAll('west')
  await west.keeper.pass()
  reachable.delete('east')
  const north = await joinAt(west, 'west--north')
  const codes = siteCodesOf(new X509Certificate(west.held.keys.admits?.certificate ?? ''))
  assert.ok(codes && north.code >= codes.first && north.code <= codes.last)
  await assert.rejects(joinAt(west, 'south'), JoinSiteNameReserved.is)
  await assert.rejects(joinAt(west, 'west--north'), JoinSiteTaken.is)
  await assert.rejects(joinAt(east, 'west--south'), JoinSiteNameReserved.is)
  await assert.rejects(joinAt(north, 'west--north--bay'), CannotAdmit.is)
})

test('a token that has expired, or of another site, admits nobody', async (t) => {
  const { east, time, joinAt, trustAll, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  await tellAll()
  await trustAll('west')
  await west.keeper.pass()
  const token = await west.admission.issueToken({ lifeMs: 60_000 })
  const { request } = await createJoinRequest({ token, siteName: 'west--north' })
  await assert.rejects(east.admission.accept(request), JoinTokenUnknown.is)
  await tellAll()
  await until(() => east.directory.find('west')?.admits === true)
  assert.deepEqual(east.admission.whereToJoin(west.code), { addresses: [{ host: 'west', port: 1 }] })
  assert.throws(() => east.admission.whereToJoin(4711), TokenIssuerUnknown.is)
  time.aheadMs += 60_001
  await assert.rejects(west.admission.accept(request), JoinTokenExpired.is)
})

test('codes never clash, whoever gives them and whoever is cut off', async (t) => {
  const { east, joinAt } = await openCertifiedCloud(t)
  const desk = new JoinDesk({ state: east.state, codes: () => allSiteCodes, known: () => [] })
  const lend = (name: string) => east.state.transaction((transaction) => desk.lendCodes(transaction, name))
  const ranges = [await lend('west'), await lend('north')]
  assert.deepEqual(await lend('west'), ranges[0], 'the same each time')
  const [west, north] = ranges
  assert.ok(west && north && (west.last < north.first || north.last < west.first))
  // A name whose hash leads into the range, where a code of the founder's own would be otherwise.
  const site = await joinAt(east, nameWithin(west))
  assert.ok(site.code < Math.min(west.first, north.first) || site.code > Math.max(west.last, north.last))
})

test('a site that has given all its codes says so, and a store that was put back gives none twice', async (t) => {
  const { east } = await openCertifiedCloud(t)
  const known = [{ name: 'a', code: 300 }]
  const desk = new JoinDesk({
    state: east.state,
    codes: () => ({ first: 300, last: 301 }),
    known: () => known,
  })
  for (const id of ['a', 'b', 'c']) await desk.add({ id, secretHash: '', expiresAtMs: 0 })
  const spend = (siteName: string) => {
    return desk.spend({ tokenId: siteName, siteName, publicKeyHash: 'k' })
  }
  assert.deepEqual(await spend('a'), { kind: 'site_taken' })
  assert.deepEqual(await spend('b'), { kind: 'spent', code: 301 })
  assert.deepEqual(await spend('b'), { kind: 'spent', code: 301 }, 'the same claim again')
  assert.deepEqual(await spend('c'), { kind: 'codes_used_up' })
  assert.ok(JoinCodesUsedUp(undefined).message.length > 0)
})

test('a site renews its certificate in the last third of its life, and keeps name, code and key', async (t) => {
  const { east, time, joinAt, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  await tellAll()
  const former = west.held.keys.site
  time.aheadMs = 700 * DAY_MS
  await west.keeper.pass()
  assert.equal(west.held.keys.site, former, 'too early')
  time.aheadMs = 740 * DAY_MS
  await west.keeper.pass()
  const renewed = new X509Certificate(west.held.keys.site.certificate)
  assert.ok(endOf(west.held.keys.site) > endOf(former) + 700 * DAY_MS)
  assert.ok(renewed.publicKey.equals(new X509Certificate(former.certificate).publicKey))
  assert.deepEqual(siteCodesOf(renewed), { first: west.code, last: west.code })
  assert.equal((await west.state.find(all, sites, 'west'))?.certificates, west.held.keys.site.certificate)
  await tellAll()
  // The founder holds the key itself.
  await east.keeper.pass()
  assert.ok(endOf(east.held.keys.site) > endOf(former))
})

test('one peer of a site asks, and all take what comes', async (t) => {
  const { east, time, joinAt, trustAll, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  const second = west.addPeer()
  await tellAll()
  await trustAll('west')
  time.aheadMs = 740 * DAY_MS
  await second.keeper.pass()
  assert.equal(second.held.keys.admits, undefined, 'it does not ask itself')
  await west.keeper.pass()
  await second.keeper.pass()
  assert.deepEqual(second.held.keys, west.held.keys)
  assert.ok(endOf(second.held.keys.site) > systemClock.nowMs() + 1500 * DAY_MS)
})

test('a cloud that certifies no codes renews its sites all the same, and lets none admit', async (t) => {
  const { east, time, joinAt, trustAll, tellAll } = await openCertifiedCloud(t, { certifiesCodes: false })
  const west = await joinAt(east, 'my--west')
  await tellAll()
  await trustAll('my--west')
  const former = west.held.keys.site
  time.aheadMs = 740 * DAY_MS
  await west.keeper.pass()
  assert.ok(endOf(west.held.keys.site) > endOf(former))
  assert.equal(west.held.keys.admits, undefined)
  await assert.rejects(
    east.admission.letAdmit(await createCertificateRequest(west.held.keys)),
    CannotCertify.is,
  )
  await assert.rejects(west.admission.issueToken({ lifeMs: 1 }), (error) => !/trust/.test(String(error)))
})

test('a site whose certificate has expired while it was away may ask for another one, for a while', async (t) => {
  const { east, time, joinAt, tellAll } = await openCertifiedCloud(t)
  const [west, north] = [await joinAt(east, 'west'), await joinAt(east, 'north')]
  await tellAll()
  time.aheadMs = endOf(west.held.keys.site) - systemClock.nowMs() + RENEWAL_GRACE_MS - DAY_MS
  await west.keeper.pass()
  assert.ok(endOf(west.held.keys.site) > systemClock.nowMs() + time.aheadMs)
  time.aheadMs += 2 * DAY_MS
  const request = await createCertificateRequest(north.held.keys)
  await assert.rejects(east.admission.renew(request), CertificateExpiredLongAgo.is)
  await north.keeper.pass()
  assert.equal(north.held.errors, 1, 'the operator is told')
})

test('a site that was shut out gets no certificate, nor does whoever has not its key', async (t) => {
  const { east, joinAt, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  await tellAll()
  const request = await createCertificateRequest(west.held.keys)
  const signingRequest = await createSigningRequest({
    subject: [['CN', 'site']],
    privateKey: generatePrivateKey(),
  })
  await assert.rejects(east.admission.renew({ ...request, signingRequest }), JoinRequestMalformed.is)
  await assert.rejects(west.admission.renew(await createCertificateRequest(east.held.keys)), CannotCertify.is)
  for (const bad of [
    undefined,
    {},
    { ...request, siteCertificate: 'x' },
    { ...request, admitterCertificate: 'x' },
  ])
    await assert.rejects(east.admission.renew(bad), AtollError)
  await revoke(east, 'west')
  await until(() => east.directory.isRevoked('west'))
  await assert.rejects(east.admission.renew(request), SiteRevoked.is)
})

test('the key of the cloud at a second site renews, and admits nobody', async (t) => {
  const { east, reachable, time, joinAt, tellAll } = await openCertifiedCloud(t)
  const [west, north] = [await joinAt(east, 'west'), await joinAt(east, 'north')]
  await tellAll()
  west.held.keys = { ...west.held.keys, cloudAuthority: east.held.keys.cloudAuthority }
  await assert.rejects(west.admission.issueToken({ lifeMs: 1000 }), CannotAdmit.is)
  reachable.delete('east')
  time.aheadMs = 740 * DAY_MS
  const before = endOf(west.held.keys.site)
  await west.keeper.pass()
  assert.ok(endOf(west.held.keys.site) > before, 'its own, too')
  assert.equal(
    (await west.admission.renew(await createCertificateRequest(north.held.keys))).admitterCertificate,
    undefined,
  )
})

test('whom a captured site admits is shut out with it, and those who were known before stay', async (t) => {
  const { east, joinAt, trustAll, tellAll } = await openCertifiedCloud(t)
  const west = await joinAt(east, 'west')
  await tellAll()
  await trustAll('west')
  await west.keeper.pass()
  const early = await joinAt(west, 'west--early')
  await tellAll()
  await revoke(east, 'west', ['west--early'])
  await until(() => east.directory.isRevoked('west'))
  assert.equal(east.directory.isRevoked('west--early'), false)
  assert.equal(east.directory.isRevoked('west--late'), true)
  assert.equal(east.directory.isRevoked('west--early--x'), false)
  assert.equal(east.directory.isRevoked('westward'), false)
  // It is renewed by the cloud itself from now on, under its name and code.
  const renewed = await east.admission.renew(await createCertificateRequest(early.held.keys))
  assert.equal(renewed.admitterCertificate, undefined)
  // What the captured site says of who may stay counts for nothing.
  await revoke(west, 'west', ['west--late'])
  const row = (await west.state.select(all, siteRevocations).selectAll().execute())[0]
  assert.ok(row)
  const page = { home: 'west', after: 0, upTo: row.seq, entries: [{ table: siteRevocations.name, row }] }
  await east.state.feed.apply(page, east.trust)
  await east.directory.learn([{ name: 'anybody', addresses: [] }])
  assert.equal(east.directory.isRevoked('west--late'), true)
})

test('a site that claims another code than its certificate has is not believed', async (t) => {
  const { east, joinAt } = await openCertifiedCloud(t)
  const [west, north] = [await joinAt(east, 'west'), await joinAt(east, 'north')]
  const row = await north.state.find(all, sites, 'north')
  assert.ok(row)
  const lies = [
    { ...row, code: west.code },
    { ...row, code: west.code, certificates: certificatesOf(west.held.keys) },
    { ...row, certificates: null },
    { ...row, certificates: 'x' },
    { ...row, certificates: `${row.certificates}x`.repeat(20) },
  ]
  const say = (said: object) => ({
    ...{ home: 'north', after: 0, upTo: row.seq },
    entries: [{ table: sites.name, row: said as Record<string, unknown> }],
  })
  for (const lie of lies)
    assert.equal(
      (await east.state.feed.apply(say(lie), east.trust)).refused.length,
      1,
      JSON.stringify(lie).slice(0, 80),
    )
  assert.equal((await east.state.feed.apply(say(row), east.trust)).applied, 1)
  // So the code of the site that was slower is still free for it, and ids that carry it are its own.
  const named = { id: mintId(systemRandom, west.code), ids: 'minted' as const }
  assert.equal(await east.trust.mayName('north', named, east.state), false)
})

async function revoke({ state }: CertifiedSite, site: string, kept: readonly string[] = []): Promise<void> {
  await state.transaction((transaction) =>
    transaction.insert(siteRevocations, { ...withoutHeir, site, domain_id: 'root', reason: '', kept }),
  )
}

function nameWithin({ first, last }: { first: number; last: number }): string {
  for (let index = 0; ; index++) {
    const name = `site-${index}`
    const start = 1 + (createHash('sha256').update(name).digest().readUInt16BE(0) % allSiteCodes.last)
    if (start >= first && start <= last) return name
  }
}
