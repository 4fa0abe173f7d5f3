/** Starts a peer from its data directory, serves until told to stop, and lets go of everything in the reverse order. */

import { serverOptions } from '@atoll/http'
import { defineError, type Logger, Supervisor, systemClock, systemRandom } from '@atoll/kit'
import { createPeerGate, type GateSocket, KeyStore, peerServerOptions } from '@atoll/overlay'
import { isSharedStore } from '@atoll/rome'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Fastify from 'fastify'
import { type AdminHandlers, serveAdmin } from './admin-socket.ts'
import { composePeer, type Peer } from './compose.ts'
import { lockData } from './data-lock.ts'
import { keysDirectory, readAdminPassword } from './found-site.ts'
import { openRealWorld } from './real-world.ts'
import { renewalOf, renewPeerIfDue } from './renewal.ts'
import {
  DEFAULT_API_PORT,
  DEFAULT_IMAGE_CACHE_GIB,
  DEFAULT_PEER_PORT,
  readSettings,
  type Settings,
  storeUrlOf,
} from './settings.ts'
import { readSiteFile } from './site-file.ts'

export const AddressInUse = defineError({
  code: 'peer.address.in_use',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ host, port, setting }: { host: string; port: number; setting: string }) =>
    `${host}:${port} cannot be listened on: another program has it, or the address is not this machine's. Choose another with --${setting}.`,
})

export interface RunPeerOptions {
  readonly dataDirectory: string
  readonly log: Logger
  /** Stops the peer. Its guests run on. */
  readonly signal: AbortSignal
  /** Called once, when every listener is bound. */
  readonly onReady?: (ready: { readonly apiUrl: string; readonly site: string }) => void
}

/**
 * Runs the peer until `signal` aborts.
 * @throws SiteMissing, SettingsInvalid, DataInUse, AddressInUse, and what opening stores, keys and hosts throws
 */
export async function runPeer(options: RunPeerOptions): Promise<void> {
  const { log, signal } = options
  const cleanUps: (() => unknown)[] = []
  try {
    const { peer, apiUrl } = await startPeer(options, cleanUps)
    options.onReady?.({ apiUrl, site: peer.site.name })
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined)
      else signal.addEventListener('abort', resolve, { once: true })
    })
  } finally {
    for (const cleanUp of cleanUps.reverse()) {
      await Promise.resolve(cleanUp()).catch((error: unknown) =>
        log.warn({ err: error }, 'not everything was let go'),
      )
    }
  }
}

async function startPeer(
  { dataDirectory, log }: RunPeerOptions,
  cleanUps: (() => unknown)[],
): Promise<{ peer: Peer; apiUrl: string }> {
  const site = readSiteFile(dataDirectory)
  const settings = readSettings(dataDirectory)
  cleanUps.push(lockData(dataDirectory))
  const keys = await KeyStore.open(keysDirectory(dataDirectory))
  const renewal = { keys, clock: systemClock, random: systemRandom, log }
  // Before anybody is talked to: it may have expired while this machine was off.
  await renewPeerIfDue(renewal)
  const listen = listenAddresses(settings)
  const known: { peer?: Peer; showCertificates?: () => void } = {}
  const world = await openRealWorld({
    dataDirectory,
    siteName: site.site,
    settings,
    keys,
    installCertificates: async (certificates) => {
      await keys.replaceSiteCertificates(certificates)
      // What a certificate of the site that was about to end had cut short.
      await renewPeerIfDue(renewal)
      known.showCertificates?.()
    },
    tunnelIp: settings.host.tunnelIp ?? listen.advertise,
    log,
    // The transport dials nobody before the federation is open.
    resolve: (name, peer) => known.peer?.addressesOf(name, peer) ?? [],
  })
  cleanUps.push(
    () => world.store.close(),
    () => world.transport.close(),
  )
  for (const { hypervisor, release } of world.hosts)
    cleanUps.push(
      () => release?.(),
      () => hypervisor.close(),
    )
  const apiUrl = settings.api.publicUrl ?? `http://${listen.api.host}:${listen.api.port}`
  const adminPassword = readAdminPassword(dataDirectory)
  const peer = await composePeer({
    site,
    world,
    self: {
      name: keys.identity.peer,
      apiUrl,
      addresses: [{ host: listen.advertise, port: listen.peer.port }],
      failureDomains: settings.peer.failureDomains ?? [],
    },
    ...sharedStoreOf(dataDirectory, settings),
    ...(settings.api.publicUrl === undefined ? {} : { publicUrl: settings.api.publicUrl }),
    ...(adminPassword === undefined ? {} : { adminPassword }),
    imageCacheGib: settings.host.imageCacheGib ?? DEFAULT_IMAGE_CACHE_GIB,
    ...(settings.peer.closeSitesMax === undefined ? {} : { closeSitesMax: settings.peer.closeSitesMax }),
  })
  known.peer = peer
  cleanUps.push(() => peer.close())
  await serveClients(peer, listen.api, cleanUps)
  const peers = await servePeers(peer, keys, listen.peer, { log, cleanUps })
  known.showCertificates = peers.renew
  const admin = await serveAdmin(dataDirectory, adminHandlersOf(peer))
  cleanUps.push(() => admin.close())
  const supervisor = new Supervisor({ clock: systemClock, log })
  for (const service of [...peer.services(), renewalOf({ ...renewal, onRenewed: peers.renew })])
    supervisor.start(service)
  cleanUps.push(() => supervisor.stop())
  return { peer, apiUrl }
}

function adminHandlersOf(peer: Peer): AdminHandlers {
  return {
    status: () => peer.status(),
    distances: () => peer.federation.overlay.distances(),
    requireNearestTo: (name, count) => peer.federation.overlay.requireNearestTo(name, count),
    issueJoinToken: async (request) => ({
      token: await peer.federation.issueJoinToken(request),
      namePrefix: peer.federation.joinNamePrefix ?? '',
    }),
    issuePeerToken: (request) => peer.admission.issueToken(request),
    sleep: () => peer.federation.sleep(),
    wake: () => peer.federation.wake(),
    revokeSite: (request) => peer.federation.revokeSite(request),
    retireSite: (request) => peer.federation.retireSite(request),
  }
}

function sharedStoreOf(dataDirectory: string, settings: Settings) {
  const storeUrl = storeUrlOf(dataDirectory, settings)
  return isSharedStore(storeUrl) ? { isShared: true, storeUrl } : {}
}

interface Address {
  readonly host: string
  readonly port: number
}

function listenAddresses({ api, peer }: Settings): { api: Address; peer: Address; advertise: string } {
  const peerHost = peer.host ?? '127.0.0.1'
  return {
    api: { host: api.host ?? '127.0.0.1', port: api.port ?? DEFAULT_API_PORT },
    peer: { host: peerHost, port: peer.port ?? DEFAULT_PEER_PORT },
    advertise: peer.advertise ?? peerHost,
  }
}

async function serveClients(peer: Peer, address: Address, cleanUps: (() => unknown)[]): Promise<void> {
  const server = Fastify({ forceCloseConnections: true, keepAliveTimeout: 75_000, ...optionsFor(peer) })
  await peer.register(server, {})
  await bind(server, address, 'api')
  cleanUps.push(() => server.close())
}

async function servePeers(
  peer: Peer,
  keys: KeyStore,
  address: Address,
  { log, cleanUps }: { log: Logger; cleanUps: (() => unknown)[] },
): Promise<{ renew: () => void }> {
  const gate = createPeerGate({ credentials: keys, clock: systemClock })
  const https = peerServerOptions(keys)
  // Behind this listener stand our own peers only, whose word on the client's address is taken.
  const server = Fastify({
    http2: true,
    https,
    trustProxy: true,
    forceCloseConnections: true,
    // The types tell requests of HTTP/2 from others; what the options read is in both.
    ...(optionsFor(peer) as object),
  }) as unknown as FastifyInstance
  server.addHook('onRequest', async (request) => {
    // Throws for whoever has no certificate of this cloud, except on the one path where sites ask for theirs.
    gate(request.raw.socket as unknown as GateSocket, request.url)
  })
  const peerOf = (request: FastifyRequest) => gate(request.raw.socket as unknown as GateSocket, request.url)
  await peer.register(server, { peerOf })
  server.server.on('sessionError', (error: Error) => log.debug({ err: error }, 'a peer connection failed'))
  await bind(server, address, 'peer')
  cleanUps.push(() => server.close())
  return {
    renew: () => {
      const { cert, key, ca } = peerServerOptions(keys)
      const secure = server.server as unknown as { setSecureContext(options: object): void }
      secure.setSecureContext({ cert, key, ca })
    },
  }
}

const optionsFor = ({ apis }: Peer) => ({ logger: false, ...serverOptions(apis, systemRandom) }) as const

async function bind(server: FastifyInstance, { host, port }: Address, setting: string): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL' || code === 'EACCES') {
      throw AddressInUse({ host, port, setting }, { cause: error })
    }
    throw error
  }
}
