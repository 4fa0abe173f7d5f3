/** A small cloud for tests: sites with one toy service each, joined by a network in memory. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, type Authorization, endpoint, NO_ROOM, registerApi } from '@atoll/http'
import { AtollError, type Service, Supervisor, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import {
  type KeyRing,
  type MockHandler,
  MockNetwork,
  type MockResponse,
  type PeerIdentity,
  SiteSigner,
} from '@atoll/overlay'
import { json, openSqlite, text } from '@atoll/rome'
import {
  cloudScope,
  defineRecord,
  foundShare,
  type Reader,
  type RecordTable,
  type SiteNames,
  State,
  spend,
  takeNumber,
} from '@atoll/state'
import Fastify, { type FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { type Displacement, noDisplacement } from './adoption.ts'
import { Federation } from './federation.ts'
import { federationRecords } from './records.ts'
import type { Places } from './router.ts'
import { federationTables } from './tables.ts'

export const domains = defineRecord(
  'domains',
  { name: text(), sites: json<readonly string[] | null>(null).nullable() },
  { audience: 'everyone', ids: 'given', authority: () => 'root' },
)
export const projects = defineRecord(
  'projects',
  { kept_at: json<SiteNames | null>(null).nullable() },
  { audience: 'everyone' },
)
export const boats = defineRecord(
  'boats',
  { name: text() },
  { audience: 'everyone', followsUse: (row) => row.name !== 'moored' },
)

const records = [...federationRecords, domains, projects, boats] as unknown as readonly RecordTable[]
export const all = cloudScope('test')
/** The project of whoever has the token `t`: kept everywhere, and known without a record. */
export const FREE_PROJECT = 't'
const noRoom = new AtollError(
  { code: NO_ROOM, status: 409, fault: 'conflictingRequest' },
  { message: 'full' },
  undefined,
)

export type TestSite = Awaited<ReturnType<typeof openSite>>

const everything = (federation: Federation): readonly Service[] => [
  ...federation.services(),
  federation.overlay,
]

export interface CloudOptions {
  readonly services?: (federation: Federation) => readonly Service[]
  readonly displacement?: Displacement
  /** See `FederationOptions`. */
  readonly closeSitesMax?: number | undefined
  /** By site. */
  readonly failureDomains?: Readonly<Record<string, readonly string[]>>
}

/** Opens sites that all know the first one, which is the founder, and runs `services` of each. */
export async function openCloud(
  names: readonly string[],
  after: (cleanUp: () => Promise<void>) => void,
  {
    services = everything,
    displacement = noDisplacement,
    closeSitesMax,
    failureDomains = {},
  }: CloudOptions = {},
) {
  const network = new MockNetwork({ clock: systemClock, random: seededRandom('cloud'), link: { delayMs: 2 } })
  const sites = new Map<string, TestSite>()
  for (const [index, name] of names.entries()) {
    const founder = names[0] ?? ''
    const place = { network, name, code: index + 1, founder, names }
    sites.set(
      name,
      await openSite({
        ...place,
        services,
        displacement,
        closeSitesMax,
        after,
        failureDomains: failureDomains[name] ?? [],
      }),
    )
  }
  const site = (name: string): TestSite => {
    const found = sites.get(name)
    if (!found) throw new Error(`no site ${name}`)
    return found
  }
  return { network, site }
}

async function openSite(options: {
  network: MockNetwork
  name: string
  code: number
  founder: string
  names: readonly string[]
  services: (federation: Federation) => readonly Service[]
  closeSitesMax: number | undefined
  after: (cleanUp: () => Promise<void>) => void
  displacement: Displacement
  failureDomains: readonly string[]
}) {
  const { network, name, code, founder, names, services, displacement, closeSitesMax, after } = options
  const { failureDomains } = options
  const directory = mkdtempSync(join(tmpdir(), `atoll-${name}-`))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  const world = { clock: systemClock, random: seededRandom(name), log: silentLogger }
  const state = await State.open({
    ...world,
    store,
    site: { name, code },
    records,
    locals: federationTables,
    sitesOfProject,
  })
  const identity = { cloud: 'test', site: name, peer: 'p' }
  const settings = { hasRoom: true, addresses: [{ host: name, port: 1 }] }
  const transport = network.connect(identity)
  const federation = await Federation.open({
    ...world,
    store,
    state,
    transport,
    keys: () =>
      ({ cloudAuthority: { certificate: '' }, signingKey: SiteSigner.generate().privateKey }) as KeyRing,
    records,
    domains: domains as unknown as RecordTable,
    projects: projects as unknown as RecordTable,
    root: { domainId: 'root', founder },
    places: () => placesAmong(names, name),
    wantedShares: async () => [],
    ...(closeSitesMax === undefined ? {} : { closeSitesMax }),
    signatures: (isRevoked) => network.authority.issue({ site: name, isRevoked }),
    displacement,
    chunks: { manifest: () => Promise.reject(noRoom), chunk: () => Promise.reject(noRoom) },
    self: { addresses: settings.addresses, apiUrl: `http://${name}` },
    describeSite: () => ({ addresses: settings.addresses, apiUrl: `http://${name}`, failureDomains }),
    // As after a join: the first site was told of nobody, and the others only of it.
    contacts: founder === name ? [] : [{ name: founder, addresses: [{ host: founder, port: 1 }] }],
  })
  const { clients, peers, stopListening } = await serve({ state, settings, federation, network, identity })
  const supervisor = new Supervisor(world)
  for (const service of services(federation)) supervisor.start(service)
  after(async () => {
    stopListening()
    await supervisor.stop()
    await store.close()
    rmSync(directory, { recursive: true })
  })
  return { name, state, federation, transport, clients, peers, settings, supervisor }
}

async function serve(site: {
  state: State
  settings: { readonly hasRoom: boolean }
  federation: Federation
  network: MockNetwork
  identity: PeerIdentity
}) {
  const { state, settings, federation, network, identity } = site
  const gate = {
    random: seededRandom(identity.site),
    log: silentLogger,
    verifyToken,
    router: federation.router,
    describeFreshness: () => federation.describeFreshness(),
  }
  const [clients, peers] = [Fastify(), Fastify()]
  await registerApi(clients, toyApi(state, settings), gate)
  const peerOf = (request: { headers: Record<string, unknown> }) => ({
    site: String(request.headers['test-peer']),
  })
  await registerApi(peers, toyApi(state, settings), { ...gate, peerOf })
  await federation.registerOn(peers, peerOf)
  const stopListening = network.listen(identity, answerWith(peers))
  return { clients, peers, stopListening }
}

/** All other sites have room, and each is a zone. */
function placesAmong(names: readonly string[], name: string): Places {
  return {
    withRoom: () => names.filter((other) => other !== name),
    siteOfZone: (zone) => names.find((other) => other === zone),
    capacity: () => ({ vcpus: 1, ramMib: 1024, diskGib: 10 }),
  }
}

/** The token is the name of the project. */
function verifyToken(token: string): Authorization {
  return {
    userId: 'u',
    userDomainId: 'd',
    projectId: token,
    domainId: null,
    roles: ['admin'],
    auditId: 'a',
    expiresAtMs: 0,
  }
}

/** Where a project's records are kept, as `State` asks it. */
async function sitesOfProject(reader: Reader, id: string): Promise<SiteNames | null | undefined> {
  return id === FREE_PROJECT ? null : (await reader.find(all, projects, id))?.kept_at
}

function answerWith(peers: FastifyInstance): MockHandler {
  return async (peer, { method, path, headers, body }): Promise<MockResponse> => {
    const reply = await peers.inject({
      method: method as 'GET',
      url: path,
      headers: { ...headers, 'test-peer': peer.site } as Record<string, string>,
      ...(body.length > 0 ? { payload: body } : {}),
    })
    const { statusCode: status, rawPayload } = reply
    return { status, headers: reply.headers as Record<string, string>, body: rawPayload }
  }
}

/** Boats: one table, with every kind of write that the router knows. */
function toyApi(state: State, settings: { readonly hasRoom: boolean }): Api {
  const Body = Type.Object({ name: Type.String(), zone: Type.Optional(Type.String()) })
  const needs = { vcpus: 1, ramMib: 1, diskGib: 1 }
  return {
    prefix: '/toy',
    faults: 'nova',
    rules: { any: '@' },
    isOfProjects: true,
    endpoints: [
      endpoint({
        method: 'GET',
        path: '/boats',
        rule: 'any',
        handle: async ({ authorization: { projectId } }) =>
          state.select(all, boats).selectAll().where('project_id', '=', projectId).execute(),
      }),
      endpoint({
        method: 'POST',
        path: '/boats',
        rule: 'any',
        body: Body,
        status: 201,
        writes: ({ body }) => ({ kind: 'workload', availabilityZone: body.zone, needs }),
        handle: ({ body, authorization: { projectId } }) => {
          if (!settings.hasRoom) throw noRoom
          return state.transaction((transaction) =>
            transaction.insert(boats, { name: body.name, project_id: projectId }),
          )
        },
        handleNoRoom: async () => ({ name: 'nowhere' }),
      }),
      endpoint({
        method: 'PUT',
        path: '/boats/:id',
        rule: 'any',
        body: Body,
        writes: ({ params }) => ({ kind: 'record', table: 'boats', id: params.id ?? '' }),
        handle: ({ params, body }) =>
          state.transaction((transaction) => transaction.update(boats, params.id ?? '', { name: body.name })),
      }),
      endpoint({
        method: 'POST',
        path: '/domains',
        rule: 'any',
        body: Body,
        writes: () => ({ kind: 'cloud' }),
        handle: ({ body }) =>
          state.transaction((transaction) => transaction.insert(domains, { name: body.name, sites: null })),
      }),
      endpoint({
        method: 'POST',
        path: '/logins',
        rule: 'any',
        writes: () => ({ kind: 'cloud', orHere: true }),
        handle: async () => ({ site: state.site.name }),
      }),
    ],
  }
}

/** Founds what the cloud needs at its first site. `trusted`: the sites of the root domain; default: the founder alone. */
export async function foundCloudRecords(
  { state }: TestSite,
  trusted: readonly string[] | null = null,
): Promise<void> {
  await state.transaction(async (transaction) => {
    await transaction.insert(domains, { id: 'root', name: 'root', sites: trusted })
    await foundShare(transaction, 'numbers:root', { ranges: [[1, 101]] })
    await foundShare(transaction, 'quota:root', { amount: 10 })
  })
}

export const takeOne = ({ state }: TestSite): Promise<number> =>
  state.transaction((transaction) => takeNumber(transaction, { resource: 'numbers:root', holder: 'h' }))

export const spendOne = ({ state }: TestSite): Promise<void> =>
  state.transaction((transaction) => spend(transaction, 'quota:root', 1))

/** Waits until `condition` holds, at most 15 s. */
export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 1500; tries++) {
    if (await condition()) return
    await new Promise((resolve) => systemClock.after(10, () => resolve(undefined)))
  }
  throw new Error(`waited in vain until ${what}`)
}
