/**
 * The composition root: all services of one peer over one state, with the world as a parameter. Nothing here listens,
 * waits or decides; it only says what is connected to what.
 */

import {
  computeRecords,
  createComputeApi,
  createMetadataService,
  HostAgent,
  hosts as hostRecords,
  quotaFounders,
  servers,
} from '@atoll/compute'
import type { Fabric } from '@atoll/fabric'
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
  type Tokens,
} from '@atoll/identity'
import {
  createCacheEviction,
  createImageApi,
  createImageCache,
  createImageGarbageCollection,
  createUploadRepair,
  imageRecords,
  Uploads,
} from '@atoll/image'
import type { Service } from '@atoll/kit'
import {
  createAddressReturn,
  createNetworkAgent,
  createNetworkApi,
  networkRecords,
  VNIS,
} from '@atoll/network'
import type { PeerTransport } from '@atoll/overlay'
import { siteTables } from '@atoll/site'
import { cloudScope, foundShare, heldShare, type RecordTable, type Site, State } from '@atoll/state'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PeerStatus } from './admin-socket.ts'
import { imagesInUse } from './images-in-use.ts'
import { imagesForAgent, imagesForCompute, networkForCompute, portsForAgent } from './neighbours.ts'
import { HostPlaces } from './places.ts'
import { remoteChunks } from './remote-chunks.ts'
import { DEFAULT_IMAGE_CACHE_GIB } from './settings.ts'
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
  }
  /** True when other peers of this site may have the same store open. */
  readonly isShared?: boolean
  readonly publicUrl?: string
  /** The first administrator's password; given at the founding site only. */
  readonly adminPassword?: string
  /** See the setting of this name. */
  readonly imageCacheGib?: number
}

export interface Peer {
  readonly site: Site
  readonly state: State
  readonly federation: Federation
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

const wiring = cloudScope('wiring of ports')

/** VXLAN identifiers below are left to whatever the underlay uses itself. */
const VNI_RANGE = [4096, 2 ** 24] as const

export async function composePeer(options: ComposeOptions): Promise<Peer> {
  const { site, world } = options
  const { clock, random, log } = world
  const startedMs = clock.monotonicMs()
  const state = await openState(options)
  if (options.adminPassword !== undefined) await foundRecords(state, options)
  const ownHosts = new Map(world.hosts.map((host) => [hostNameOf(site, host.name), host]))
  const peers = options.isShared
    ? await joinSitePeers({ state, world, self: { name: 'peer', ...options.self }, hosts: ownHosts })
    : onlyPeer
  const federation = await openFederation(options, state, peers)
  const stopListening = peers.onChange(() => {
    if (!peers.isSteward()) return
    // What fails now is written at the next change, or by another steward.
    void federation
      .describeSelf()
      .catch((error: unknown) => log.warn({ err: error }, 'the addresses of this site were not written'))
  })
  const tokens = await createTokens({
    state,
    clock,
    random,
    log,
    keys: siteTokenKeys(federation.signer, federation.directory),
  })
  const images = composeImages(options, state, federation.transport)
  const hosts = composeHosts(options, { state, peers, cache: images.cache })
  const freshness = {
    isReachable: (record: { home: string }) => federation.freshness.isReachable(record.home),
  }
  const apis = [
    createIdentityApi({
      state,
      clock,
      random,
      log,
      passwords: world.passwords,
      tokens,
      catalog: createCatalog({
        region: site.cloud,
        services: atollServices.filter(({ type }) => type !== 'placement'),
      }),
    }),
    images.api,
    createNetworkApi({ state }),
    createComputeApi({
      state,
      network: networkForCompute,
      images: imagesForCompute(state),
      clock,
      random,
      freshness,
      isHere: (record) => state.isKeptHere(record),
      isKept: (transaction, table, id) => transaction.isKept(table, id),
      consoleOutput: (server, lines) => hosts.agent.consoleOutput(server, lines),
    }),
  ]
  const gate = gateOf(options, { state, federation, tokens })
  return {
    site: state.site,
    state,
    federation,
    apis,
    register: async (server, { peerOf }) => {
      if (peerOf) await federation.registerOn(server, peerOf)
      for (const api of apis) await registerApi(server, api, peerOf ? { ...gate, peerOf } : gate)
    },
    addressesOf: (siteName, peerName) => {
      if (peerName === undefined) return federation.directory.find(siteName)?.addresses ?? []
      return siteName === site.site
        ? (peers.all().find(({ name }) => name === peerName)?.addresses ?? [])
        : []
    },
    services: () => [
      ...peers.services,
      ...federation.services(),
      createRevocationForgetter({ state, clock, log }),
      createAddressReturn({ state, clock, log }),
      ...images.services,
      ...hosts.services,
    ],
    status: () => statusOf({ site, state, federation, world, startedMs, apiUrl: options.self.apiUrl }),
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

function openState({ site, world }: ComposeOptions): Promise<State> {
  return State.open({
    ...world,
    site: { name: site.site, code: site.code },
    records,
    locals: [...federationTables, ...siteTables],
    founders: quotaFounders({ isKept: (transaction, table, id) => transaction.isKept(table, id) }),
  })
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
  { site, world, self }: ComposeOptions,
  state: State,
  peers: SitePeers,
): Promise<Federation> {
  const known: { places?: HostPlaces } = {}
  const federation = await Federation.open({
    ...world,
    state,
    records,
    domains: domains as unknown as RecordTable,
    root: { domainId: DEFAULT_DOMAIN_ID, founder: site.founder },
    places: (places) => {
      known.places = new HostPlaces(state, places)
      return known.places
    },
    wantedShares: () => wantedShares(state, quotasWorthHaving),
    chunks: world.images,
    self,
    describeSite: () => describeSite(self, peers),
    isSteward: () => peers.isSteward(),
    contacts: site.contacts,
  })
  await known.places?.load()
  return federation
}

/** Where other sites reach any peer of this one, those that live. */
function describeSite({ addresses, apiUrl }: ComposeOptions['self'], peers: SitePeers) {
  const alive = peers.all().filter(({ isAlive }) => isAlive)
  if (alive.length === 0) return { addresses, apiUrl }
  return { addresses: alive.flatMap((peer) => peer.addresses), apiUrl: alive[0]?.apiUrl ?? apiUrl }
}

function composeImages(
  { site, world, imageCacheGib = DEFAULT_IMAGE_CACHE_GIB }: ComposeOptions,
  state: State,
  transport: PeerTransport,
) {
  const { images, files, clock, log, directories } = world
  const uploads = new Uploads({ state, images, log })
  const bytes = {
    images,
    // What was uploaded elsewhere lies at the home of the image's record.
    sourceOf: (image: { readonly home: string }) =>
      image.home === state.site.name ? undefined : remoteChunks(transport, image.home),
  }
  const cache = createImageCache({ ...bytes, state, files, clock, directory: directories.images })
  const hostNames = world.hosts.map(({ name }) => hostNameOf(site, name))
  return {
    api: createImageApi({ ...bytes, state, uploads }),
    cache,
    services: [
      createUploadRepair({ uploads, clock, log }),
      createImageGarbageCollection({ state, images, clock, log }),
      createCacheEviction({
        cache,
        bytesMax: imageCacheGib * 1024 ** 3,
        imagesInUse: () => imagesInUse(state, hostNames),
        clock,
        log,
      }),
    ],
  }
}

function composeHosts(
  { site, world }: ComposeOptions,
  { state, peers, cache }: { state: State; peers: SitePeers; cache: Parameters<typeof imagesForAgent>[0] },
) {
  const { clock, log } = world
  const { ownership } = peers
  const metadata = createMetadataService({
    state,
    ports: { portsOf: (...args) => ports.portsOf(...args), serverOf: (id) => ports.serverOf(id) },
    log,
  })
  const makers = new Map(world.hosts.map(({ name, makeFabric }) => [hostNameOf(site, name), makeFabric]))
  const fabrics = new Map<string, Fabric>()
  const serve = (hostName: string) => {
    const fabric = makers.get(hostName)?.(metadata)
    if (fabric) fabrics.set(hostName, fabric)
  }
  for (const hostName of makers.keys()) if (ownership.isOwn(hostName)) serve(hostName)
  const networkAgent = createNetworkAgent({
    state,
    fabrics,
    confirm: (transaction, hostName) => ownership.confirm(transaction, hostName),
    clock,
    log,
    tunnelIpOf: (hostName) => tunnelIpOf(state, hostName),
    hostnameOf: async (serverId) => (await state.find(wiring, servers, serverId))?.hostname,
  })
  const stopListening = ownership.onChange(async (hostName, isOwn) => {
    const former = fabrics.get(hostName)
    fabrics.delete(hostName)
    await former?.close()
    if (isOwn) serve(hostName)
    networkAgent.refresh()
  })
  const ports = portsForAgent(state, networkAgent)
  const agent = new HostAgent({
    state,
    clock,
    log,
    hosts: world.hosts.map(({ name, tunnelIp, hypervisor, capacity }) => ({
      name: hostNameOf(site, name),
      availabilityZone: site.site,
      tunnelIp,
      hypervisor,
      ...(capacity ? { capacity } : {}),
    })),
    ownership,
    network: networkForCompute,
    ports,
    images: imagesForAgent(cache),
    configDrives: world.configDrives,
  })
  const services: readonly Service[] = world.hosts.length > 0 ? [networkAgent.service, agent] : []
  return {
    agent,
    services,
    close: async () => {
      stopListening()
      await Promise.all([...fabrics.values()].map((fabric) => fabric.close()))
    },
  }
}

async function tunnelIpOf(state: State, hostName: string): Promise<string | undefined> {
  const host = await state
    .select(wiring, hostRecords)
    .select('tunnel_ip')
    .where('name', '=', hostName)
    .executeTakeFirst()
  return host?.tunnel_ip
}

// A host's own name is unique at its site; the site's name makes it unique in the cloud.
function hostNameOf({ site }: SiteFile, name: string): string {
  return name.startsWith(`${site}-`) ? name : `${site}-${name}`
}
