/**
 * A whole cloud on this machine, each peer a process, one for each site until more are added: founded at the first site, joined by the others with tokens, and
 * all of them trusted, as one operator would run them. On the hosts of a lab it can run real guests; without one it listens on loopback.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '@atoll/kit'
import type { Lab } from '@atoll/lab'
import { type Connection, DEFAULT_DOMAIN_ID, refusedStatus, trustSites, waitUntil } from '@atoll/sdk'
import { askJoinToken, askPeerToken } from '../admin-client.ts'
import { LocalPeer } from './local-peer.ts'
import { labMachine, loopbackMachine } from './peer-machine.ts'

export interface LocalCloudOptions {
  readonly name: string
  /** The first founds the cloud. In a lab they are names of its hosts. */
  readonly sites: readonly string[]
  /** Holds the sites' data and logs. Short, since QEMU's sockets lie in it. */
  readonly directory: string
  readonly lab?: Lab
  /** The address of a site's store; undefined: a file of its own. */
  readonly storeOf?: (site: string) => string | undefined
  /** More options of `atoll peer`, the same for every site. */
  readonly peerOptions: readonly string[]
  /** For node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[]
  readonly signal?: AbortSignal
  /** Called before each step that takes a while. */
  readonly onStep?: (what: string) => void
}

const SETTLE_TIMEOUT_MS = 30_000
const TOKEN_LIFE_MS = 600_000

export interface MorePeer {
  readonly site: string
  readonly name: string
  /** A host of the lab; default: the one that is named after the site, or loopback. */
  readonly host?: string
  readonly peerOptions?: readonly string[]
}

export class LocalCloud implements AsyncDisposable {
  /** The first peer of each site, then those that were added. */
  readonly peers: readonly LocalPeer[]
  /** Known from the founding site's data. */
  readonly adminPassword: string

  readonly #options: LocalCloudOptions
  readonly #peers: LocalPeer[]

  constructor(options: LocalCloudOptions, peers: readonly LocalPeer[], adminPassword: string) {
    this.#options = options
    this.#peers = [...peers]
    this.peers = this.#peers
    this.adminPassword = adminPassword
  }

  /** By its name, which for the first peer of a site is the site's. */
  peer(name: string): LocalPeer {
    const found = this.peers.find((each) => each.name === name)
    assert(found !== undefined, `the cloud has a peer ${name}`)
    return found
  }

  /** Lets one more peer join a site whose store can be shared, and waits until it answers. */
  async addPeer({ site, name, host = site, peerOptions }: MorePeer): Promise<LocalPeer> {
    const { signal } = this.#options
    const first = this.peer(site)
    // Two ports each, as several may be on one host.
    const portOffset = 2 * this.#peers.length
    const peer = await preparePeer({ site, name, host, portOffset }, this.#options)
    const token = await askPeerToken(first.dataDirectory, { lifeMs: TOKEN_LIFE_MS, peerName: name })
    const join = ['join', first.peerUrl, '--token', token, '--name', name]
    this.#peers.push(peer)
    await peer.start([...join, ...peer.addressOptions, ...(peerOptions ?? this.#options.peerOptions)], signal)
    return peer
  }

  /** One more site on this machine, which has not joined yet; it ends with the cloud. */
  async prepareSite(site: string): Promise<LocalPeer> {
    const portOffset = 2 * this.#peers.length
    const peer = await preparePeer({ site, name: site, host: site, portOffset }, this.#options)
    this.#peers.push(peer)
    return peer
  }

  /** A client of one site's APIs, as the cloud's administrator. */
  connect(site: string): Promise<Connection> {
    return this.peer(site).connect(this.adminPassword)
  }

  /** Waits until every site reaches every other one, knows its hosts and is trusted by it. @throws NotInTime */
  async settled(signal?: AbortSignal): Promise<void> {
    const unsettled = new Set<string>()
    const what = () => `every site knows the others (not yet: ${[...unsettled].join(', ')})`
    await waitUntil({ what, timeoutMs: SETTLE_TIMEOUT_MS, ...(signal && { signal }) }, async () => {
      unsettled.clear()
      for (const peer of this.peers) if (!(await this.#knowsAll(peer))) unsettled.add(peer.site)
      return unsettled.size === 0
    })
  }

  async #knowsAll(peer: LocalPeer): Promise<boolean> {
    const { site, sites } = await peer.status()
    return (
      sites.length === this.#options.sites.length &&
      sites.every((each) => each.hosts > 0 && (each.isReachable || each.name === site)) &&
      (await this.#isTrusted(peer))
    )
  }

  /** Only administrators may list roles, and they are some only in tokens of a site that is trusted. */
  async #isTrusted(peer: LocalPeer): Promise<boolean> {
    const connection = await this.connect(peer.site)
    try {
      await connection.get('identity', '/v3/roles')
      return true
    } catch (error) {
      if (refusedStatus(error) === 403) return false
      throw error
    }
  }

  /** Ends the peers. Guests on the hosts of a lab end with the lab. */
  async stop(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Founds and joins; ready to use on return. On failure no peer runs any more, and the logs are in `directory`. */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { name, onStep = () => {}, signal } = options
  const peers = await Promise.all(
    options.sites.map((site) => preparePeer({ site, name: site, host: site }, options)),
  )
  const [founder, ...others] = peers
  assert(founder !== undefined, 'a cloud has at least one site')
  try {
    onStep(`founding ${name} at ${founder.site}`)
    const found = ['peer', '--found', name, '--site', founder.site, '--name', founder.name]
    await founder.start([...found, ...optionsOf(founder, options)], signal)
    for (const peer of others) {
      onStep(`${peer.site} joins through ${founder.site}`)
      const request = { lifeMs: TOKEN_LIFE_MS, siteName: peer.site }
      const token = await askJoinToken(founder.dataDirectory, request)
      const join = ['join', founder.peerUrl, '--token', token, '--site', peer.site, '--name', peer.name]
      await peer.start([...join, ...optionsOf(peer, options)], signal)
    }
    const { readAdminPassword } = await import('@atoll/peer')
    const cloud = new LocalCloud(options, peers, readAdminPassword(founder.dataDirectory) ?? '')
    if (others.length > 0) {
      onStep('trusting all sites')
      await trustSites(await cloud.connect(founder.site), DEFAULT_DOMAIN_ID, options.sites)
    }
    onStep('waiting until every site knows the others')
    await cloud.settled(signal)
    return cloud
  } catch (error) {
    await Promise.all(peers.map((peer) => peer.stop()))
    throw error
  }
}

function optionsOf(peer: LocalPeer, { peerOptions, storeOf }: LocalCloudOptions): readonly string[] {
  const store = storeOf?.(peer.site)
  return [...peer.addressOptions, ...(store === undefined ? [] : ['--store', store]), ...peerOptions]
}

async function preparePeer(
  {
    site,
    name,
    host,
    portOffset = 0,
  }: Required<Pick<MorePeer, 'site' | 'name' | 'host'>> & { portOffset?: number },
  options: LocalCloudOptions,
): Promise<LocalPeer> {
  const { directory, lab, nodeArguments } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return new LocalPeer({
    site,
    name,
    machine: lab === undefined ? await loopbackMachine() : labMachine(lab, host, portOffset),
    dataDirectory: join(directory, name),
    logPath: join(directory, `${name}.log`),
    ...(nodeArguments && { nodeArguments }),
  })
}
