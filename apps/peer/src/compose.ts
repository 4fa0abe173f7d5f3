/**
 * The composition root: all services of one peer over one state, with the world as a parameter. Nothing here listens,
 * waits or decides; it only says what is connected to what.
 */

import { computeRecords, createComputeApi, type HostAgent, quotaFounders, servers } from '@atoll/compute'
import { Federation, federationRecords, federationTables, type PeerAddress } from '@atoll/federation'
import { type Api, type Gate, registerApi } from '@atoll/http'
import {
  atollServices,
  bootstrapIdentity,
  createCatalog,
  createIdentityApi,
  createRevocationForgetter,
  createTokens,
  DEFAULT_DOMAIN_ID,
  domains,
  identityRecords,
  projects,
  sitesOfProject,
  type Tokens,
} from '@atoll/identity'
import { imageRecords, imageTables } from '@atoll/image'
import type { Logger, Service } from '@atoll/kit'
import { createAddressReturn, createNetworkApi, networkRecords, VNIS } from '@atoll/network'
import type { Row } from '@atoll/rome'
import { claimStore, siteTables } from '@atoll/site'
import { cloudScope, foundShare, heldShare, type RecordTable, type Site, State } from '@atoll/state'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PeerStatus } from './admin-socket.ts'
import { PeerAdmission } from './admit-peers.ts'
import { asSteward } from './as-steward.ts'
import { chunksForSites } from './chunks-for-sites.ts'
import { composeHosts } from './compose-hosts.ts'
import { composeImages } from './compose-images.ts'
import { displacement } from './displacement.ts'
import { hostNameOf } from './host-name.ts'
import { imagesForCompute, networkForCompute } from './neighbours.ts'
import { roundTripsBy } from './outward.ts'
import { HostPlaces } from './places.ts'
import { registerSiblingEndpoints } from './sibling-endpoints.ts'
import { Siblings } from './siblings.ts'
import type { SiteFile } from './site-file.ts'
import { joinSitePeers, onlyPeer, type SitePeers } from './site-peers.ts'
import { siteTokenKeys } from './site-token-keys.ts'
import { statusOf } from './status.ts'
import { quotasWorthHaving, wantedShares } from './wanted-shares.ts'
import type { World } from './world.ts'

export interface ComposeOptions {
  readonly site: SiteFile
  readonly world: World
  /** What this peer tells other sites, the other peers of its own, and operators of itself. */
  readonly self: {
    /** Its name in its certificate; needed where the site has several peers. */
    readonly name?: string
    readonly addresses: readonly PeerAddress[]
    readonly apiUrl: string
    /** See the setting of this name. */
    readonly failureDomains?: readonly string[]
  }
  /** True when other peers of this site may have the same store open. */
  readonly isShared?: boolean
  /** Where it is, with its password: what a new peer of this site is told. */
  readonly storeUrl?: string
  readonly publicUrl?: string
  /** The first administrator's password; given at the founding site only. */
  readonly adminPassword?: string
  /** See the setting of this name. */
  readonly imageCacheGib?: number
  /** See the setting of this name. */
  readonly closeSitesMax?: number
}

export interface Peer {
  readonly site: Site
  readonly state: State
  readonly federation: Federation
  readonly admission: PeerAdmission
  /** Every API of this peer, for the reference pages and the tests of them. */
  readonly apis: readonly Api[]
  /** Registers all APIs on a server; with `peerOf`, on one that other sites' peers connect to. */
  register(server: FastifyInstance, options: { readonly peerOf?: PeerOf }): Promise<void>
  /** Where the peers of a site listen, or one peer of this site; empty when it is not known. */
  addressesOf(siteName: string, peerName?: string): readonly PeerAddress[]
  /** What must run as long as the peer does. */
  services(): readonly Service[]
  status(): Promise<PeerStatus>
  /** Lets go of what is held in memory. Guests run on; the store and the transport belong to the world. */
  close(): Promise<void>
}

type PeerOf = (request: FastifyRequest) => { readonly site: string } | undefined

const records: readonly RecordTable[] = [
  ...identityRecords,
  ...imageRecords,
  ...networkRecords,
  ...computeRecords,
  ...federationRecords,
]

const scope = cloudScope('consoles')

/** VXLAN identifiers below are left to whatever the underlay uses itself. */
const VNI_RANGE = [4096, 2 ** 24] as const

export async function composePeer(options: ComposeOptions): Promise<Peer> {
  const { site, world } = options
  const { clock, random, log } = world
  const startedMs = clock.monotonicMs()
  const state = await openState(options)
  if (options.adminPassword !== undefined) await foundRecords(state, options)
  const peers = await openPeers(options, state)
  const selfName = options.self.name ?? DEFAULT_PEER_NAME
  const siblings = new Siblings({ siteName: site.site, selfName, peers, transport: world.transport, log })
  const federation = await openFederation(options, { state, peers, siblings })
  const stopListening = keepAddresses(peers, federation, log)
  const tokens = await createTokens({
    state,
    clock,
    random,
    log,
    keys: siteTokenKeys(federation.signer, federation.directory),
  })
  const { transport } = federation
  const images = composeImages(options, { state, peers, siblings, transport, selfName })
  const hosts = composeHosts(options, { state, peers, cache: images.cache })
  const consoles = consolesOf(state, { peers, siblings, agent: hosts.agent })
  const apis = [images.api, ...composeApis(options, { state, federation, tokens, consoles, peers })]
  const admission = new PeerAdmission({ site, world, state, peers, storeUrl: options.storeUrl })
  const gate = gateOf(options, { state, federation, tokens })
  return {
    site: state.site,
    state,
    federation,
    admission,
    apis,
    register: async (server, { peerOf }) => {
      if (peerOf) await federation.registerOn(server, peerOf)
      const { images } = world
      if (peerOf && options.isShared)
        await registerSiblingEndpoints(server, {
          siteName: site.site,
          images,
          siblings,
          acceptDatagrams: (from, body) => federation.overlay.acceptHere(from, body),
          consoleOutput: consoles.here,
          peerOf,
        })
      if (peerOf) await admission.registerOn(server)
      for (const api of apis) await registerApi(server, api, peerOf ? { ...gate, peerOf } : gate)
    },
    addressesOf: (siteName, peerName) => {
      if (peerName === undefined) return federation.addressesOf(siteName)
      return siteName === site.site
        ? (peers.all().find(({ name }) => name === peerName)?.addresses ?? [])
        : []
    },
    services: () => [
      ...peers.services,
      ...federation.services(),
      ...servicesOfSteward(state, federation, world).map((service) => asSteward(service, peers)),
      ...images.services,
      ...hosts.services,
    ],
    status: () => statusOf({ site, state, federation, world, startedMs, peers, apiUrl: options.self.apiUrl }),
    close: async () => {
      stopListening()
      tokens.close()
      await hosts.close()
      await peers
        .leave()
        .catch((error: unknown) => log.warn({ err: error }, 'the other peers were not told of the end'))
    },
  }
}

function servicesOfSteward(state: State, { overlay }: Federation, { clock, log }: World): readonly Service[] {
  const tools = { state, clock, log }
  return [overlay, createRevocationForgetter(tools), createAddressReturn(tools)]
}

/** Its name where nothing says another, since there is only one. */
const DEFAULT_PEER_NAME = 'peer'

function openPeers(options: ComposeOptions, state: State): Promise<SitePeers> | SitePeers {
  const { site, world, self, isShared = false } = options
  if (!isShared) return onlyPeer
  const hosts = new Map(world.hosts.map((host) => [hostNameOf(site, host.name), host]))
  return joinSitePeers({ state, world, self: { name: DEFAULT_PEER_NAME, ...self }, hosts })
}

interface Consoles {
  readonly anywhere: (server: Row<typeof servers>, lines: number | undefined) => Promise<string>
  readonly here: (serverId: string, lines: number | undefined) => Promise<string>
}

function consolesOf(
  state: State,
  { peers, siblings, agent }: { peers: SitePeers; siblings: Siblings; agent: HostAgent },
): Consoles {
  return {
    anywhere: (server, lines) => {
      const other = peers.ownership.otherOwnerOf(server.host)
      return other === undefined
        ? agent.consoleOutput(server, lines)
        : siblings.consoleOutput(other, server.id, lines)
    },
    here: async (serverId, lines) => {
      const server = await state.find(scope, servers, serverId)
      return server ? agent.consoleOutput(server, lines) : ''
    },
  }
}

interface ApiSurroundings {
  readonly state: State
  readonly federation: Federation
  readonly tokens: Tokens
  readonly consoles: Consoles
  readonly peers: SitePeers
}

function composeApis(
  { site, world }: ComposeOptions,
  { state, federation, tokens, consoles, peers }: ApiSurroundings,
): readonly Api[] {
  const { clock, random, log } = world
  const freshness = {
    // Of hosts only: what runs on one that nobody serves for now runs on.
    isReachable: (record: { readonly home: string; readonly name?: string; readonly tunnel_ip?: string }) =>
      federation.freshness.isReachable(record.home) &&
      (record.tunnel_ip === undefined || peers.ownership.isServed(record.name ?? '')),
  }
  return [
    createIdentityApi({
      state,
      clock,
      random,
      log,
      passwords: world.passwords,
      tokens,
      recordSites: {
        isSite: (name) =>
          federation.directory.find(name) !== undefined && !federation.directory.isRevoked(name),
        countOutside: (projectId, change) => federation.countOutside(projectId, change),
      },
      catalog: createCatalog({
        region: site.cloud,
        services: atollServices.filter(({ type }) => type !== 'placement'),
      }),
    }),
    createNetworkApi({ state }),
    createComputeApi({
      state,
      network: networkForCompute,
      images: imagesForCompute(state),
      clock,
      random,
      freshness,
      isHere: (record) => state.isKeptHere(record),
      isServed: peers.ownership.isServed,
      isKept: (transaction, table, id) => transaction.isKept(table, id),
      consoleOutput: consoles.anywhere,
    }),
  ]
}

function gateOf(
  { world, publicUrl }: ComposeOptions,
  { state, federation, tokens }: { state: State; federation: Federation; tokens: Tokens },
): Gate {
  const { random, log } = world
  return {
    verifyToken: (text) => tokens.verify(text),
    router: federation.router,
    session: (work) => state.session(work),
    random,
    log,
    describeFreshness: () => federation.describeFreshness(),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  }
}

async function openState({ site, world, isShared }: ComposeOptions): Promise<State> {
  const state = await State.open({
    ...world,
    site: { name: site.site, code: site.code },
    records,
    locals: [...federationTables, ...siteTables, ...imageTables],
    founders: quotaFounders({ isKept: (transaction, table, id) => transaction.isKept(table, id) }),
    sitesOfProject,
  })
  if (isShared) await claimStore(state, site.cloud)
  return state
}

/** What a cloud begins with. Idempotent, as the peer may have died in between. */
async function foundRecords(
  state: State,
  { site, world, adminPassword = '' }: ComposeOptions,
): Promise<void> {
  await bootstrapIdentity(state, { passwords: world.passwords, adminPassword, sites: [site.founder] })
  await state.transaction(async (transaction) => {
    if (!(await heldShare(transaction, VNIS))) await foundShare(transaction, VNIS, { ranges: [VNI_RANGE] })
  })
}

async function openFederation(
  { site, world, self, closeSitesMax }: ComposeOptions,
  { state, peers, siblings }: { state: State; peers: SitePeers; siblings: Siblings },
): Promise<Federation> {
  const known: { places?: HostPlaces; federation?: Federation } = {}
  const federation = await Federation.open({
    ...world,
    state,
    records,
    domains: domains as unknown as RecordTable,
    projects: projects as unknown as RecordTable,
    root: { domainId: DEFAULT_DOMAIN_ID, founder: site.founder },
    places: (places) => {
      known.places = new HostPlaces(state, {
        ...places,
        clock: world.clock,
        roundTrips: () => roundTripsBy(places.overlay.outward(), world.transport),
      })
      return known.places
    },
    wantedShares: () => wantedShares(state, quotasWorthHaving),
    chunks: chunksForSites({
      state,
      images: world.images,
      siblings,
      isAnyScoped: () => known.federation?.projectSites.scopedIds().length !== 0,
    }),
    displacement,
    self,
    describeSite: () => describeSite(self, peers),
    isSteward: () => peers.isSteward(),
    handOver: (from, body) => siblings.handOver(from, body),
    contacts: site.contacts,
    ...(closeSitesMax === undefined ? {} : { closeSitesMax }),
  })
  known.federation = federation
  await known.places?.load()
  return federation
}

/** Writes the addresses of the live peers into the site's record when they are others. */
function keepAddresses(peers: SitePeers, federation: Federation, log: Logger): () => void {
  return peers.onChange(() => {
    if (!peers.isSteward()) return
    // What fails now is written at the next change, or by another steward.
    void federation
      .describeSelf()
      .catch((error: unknown) => log.warn({ err: error }, 'the addresses of this site were not written'))
  })
}

/** Where other sites reach any peer of this one, those that live. */
function describeSite(self: ComposeOptions['self'], peers: SitePeers): ComposeOptions['self'] {
  const { apiUrl } = self
  const alive = peers.all().filter(({ isAlive }) => isAlive)
  if (alive.length === 0) return self
  return { ...self, addresses: alive.flatMap((peer) => peer.addresses), apiUrl: alive[0]?.apiUrl ?? apiUrl }
}
