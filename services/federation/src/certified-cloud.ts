/** A cloud for tests whose sites certify each other, with real keys and certificates, and a clock that each test moves. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import {
  AtollError,
  type Clock,
  type SiteCode,
  seededRandom,
  silentLogger,
  systemClock,
  systemRandom,
} from '@atoll/kit'
import {
  completeJoin,
  createJoinRequest,
  foundCloud,
  type KeyRing,
  type PeerTransport,
  PeerUnreachable,
  type SiteCertificates,
} from '@atoll/overlay'
import { json, openSqlite } from '@atoll/rome'
import { cloudScope, defineRecord, type RecordTable, State } from '@atoll/state'
import { Admission } from './admission.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import { CertifiedCodes, certificatesOf } from './certified-codes.ts'
import { Directory } from './directory.ts'
import { federationRecords, sites } from './records.ts'
import { federationTables } from './tables.ts'
import { createTrust } from './trust.ts'

const root = { domainId: 'root', founder: 'east' }
const domains = defineRecord(
  'domains',
  { sites: json<readonly string[]>([]) },
  { audience: 'everyone', ids: 'given', authority: () => 'root' },
)
const records = [...federationRecords, domains] as unknown as readonly RecordTable[]
export const all = cloudScope('test')

export type CertifiedSite = Awaited<ReturnType<typeof openSite>>

/** Founds a cloud of one site, whose clock the others share. */
export async function openCertifiedCloud(t: TestContext, { certifiesCodes = true } = {}) {
  const time = { aheadMs: 0 }
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + time.aheadMs }
  const reachable = new Map<string, CertifiedSite>()
  const issue = { clock, random: systemRandom }
  const keys = await foundCloud({
    ...issue,
    cloudName: 'reef',
    siteName: 'east',
    siteCode: 1,
    certifiesCodes,
    peerName: 'p',
  })
  const open = async (name: string, code: SiteCode, ring: KeyRing) => {
    const site = await openSite(t, { name, code, keys: ring, clock, reachable })
    reachable.set(name, site)
    return site
  }
  const east = await open('east', 1, keys)
  const cloud = {
    time,
    clock,
    reachable,
    east,
    trustAll: async (...names: string[]) => {
      for (const site of reachable.values())
        await site.state.transaction(async (transaction) => {
          const known = await transaction.find(all, domains, 'root')
          if (known) await transaction.update(domains, 'root', { sites: ['east', ...names] })
          else await transaction.insert(domains, { id: 'root', sites: ['east', ...names] })
        })
    },
    /** What the feed does: each site's record reaches the others. */
    tellAll: async () => {
      for (const from of reachable.values()) {
        const row = await from.state.find(all, sites, from.name)
        for (const to of reachable.values()) {
          if (to === from || !row) continue
          const page = { home: from.name, after: 0, upTo: row.seq, entries: [{ table: 'sites', row }] }
          const { refused } = await to.state.feed.apply(page, to.trust)
          assert.deepEqual(refused, [])
        }
      }
      for (const { name } of reachable.values())
        for (const to of reachable.values()) await until(() => to.directory.find(name)?.code !== undefined)
    },
    joinAt: async (at: CertifiedSite, name: string) => {
      const token = await at.admission.issueToken({ lifeMs: 60_000 })
      const pending = await createJoinRequest({ token, siteName: name })
      const answer = await at.admission.accept(JSON.parse(JSON.stringify(pending.request)))
      const ring = await completeJoin({ ...issue, pending, answer, peerName: 'p' })
      return open(name, (answer as { siteCode: number }).siteCode, ring)
    },
  }
  return cloud
}

async function openSite(
  t: TestContext,
  options: {
    name: string
    code: SiteCode
    keys: KeyRing
    clock: Clock
    reachable: ReadonlyMap<string, { readonly admission: Admission }>
  },
) {
  const { name, code, clock, reachable } = options
  const directory = mkdtempSync(join(tmpdir(), `atoll-${name}-`))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  const world = { clock, random: seededRandom(name), log: silentLogger }
  const state = await State.open({ ...world, store, site: { name, code }, records, locals: federationTables })
  t.after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const held = { keys: options.keys, errors: 0 }
  const keys = () => held.keys
  const cloud = { domains: domains as unknown as RecordTable, root }
  const known = await Directory.open({ ...world, state, store, ...cloud, areSitesAdmittedBySites: true })
  const trust = createTrust({
    ...cloud,
    codes: new CertifiedCodes(held.keys),
  })
  const admission = new Admission({
    ...world,
    random: systemRandom,
    state,
    directory: known,
    trust,
    keys,
    root,
  })
  await admission.open()
  const describe = () =>
    state.transaction(async (transaction) => {
      const row = { certificates: certificatesOf(held.keys), admits: admission.isPossible }
      if (await transaction.find(all, sites, name)) await transaction.update(sites, name, row)
      else
        await transaction.insert(sites, {
          ...{ id: name, code, addresses: [{ host: name, port: 1 }], is_dormant: false, api_url: '' },
          ...{ signing_key: null, signing_key_id: '', failure_domains: [] },
          ...row,
        })
    })
  await describe()
  const keeperOf = (own: { keys: KeyRing; errors: number }, isSteward: boolean): CertificateKeeper =>
    new CertificateKeeper({
      ...world,
      ...{ log: { ...silentLogger, error: () => void own.errors++ } },
      ...{ state, directory: known, trust, admission, root, domains, isSteward: () => isSteward },
      keys: () => own.keys,
      transport: transportTo(reachable),
      installCertificates: async (certificates) => {
        own.keys = withCertificates(own.keys, certificates)
      },
      onInstalled: async () => {
        await describe()
      },
    })
  /** One more peer of the site, over the same store. */
  const addPeer = () => {
    const own = { keys: options.keys, errors: 0 }
    return { held: own, keeper: keeperOf(own, false) }
  }
  return {
    name,
    code,
    state,
    directory: known,
    trust,
    admission,
    keeper: keeperOf(held, true),
    held,
    addPeer,
  }
}

function withCertificates(keys: KeyRing, { site, admits }: SiteCertificates): KeyRing {
  const { admitter: _former, ...rest } = keys
  return {
    ...(site ? rest : keys),
    ...(site ? { site: { ...rest.site, certificate: site.certificate } } : {}),
    ...(site?.admitter === undefined ? {} : { admitter: { certificate: site.admitter } }),
    ...(admits === undefined ? {} : { admits: { certificate: admits } }),
  }
}

/** Calls the endpoint of the other site as it would be called, JSON included. */
function transportTo(reachable: ReadonlyMap<string, { readonly admission: Admission }>): PeerTransport {
  const answer = (status: number, body: object, code = '') => ({
    status,
    headers: { 'atoll-error': code },
    body: Readable.from([Buffer.from(JSON.stringify(body))]),
  })
  return {
    request: async ({ site, path, body }) => {
      const other = reachable.get(site)
      if (!other) throw PeerUnreachable({ site, reason: 'no_connection', mayHaveBeenDone: false })
      const request = JSON.parse((body as Buffer).toString())
      try {
        const { admission } = other
        return answer(
          200,
          await (path.endsWith('/site') ? admission.renew(request) : admission.letAdmit(request)),
        )
      } catch (error) {
        if (!(error instanceof AtollError)) throw error
        return answer(error.status, {}, error.code)
      }
    },
    roundTripMs: () => 1,
    timeoutFor: () => 1000,
    close: async () => {},
  }
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return
    await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)))
  }
  throw new Error('waited in vain')
}
