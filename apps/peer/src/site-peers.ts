/** The peers of this site and the hosts that this one serves; a site with a store of its own has one peer, which serves all. */

import type { HostOwnership as ComputeOwnership } from '@atoll/compute'
import { soleOwner } from '@atoll/compute'
import type { PeerAddress } from '@atoll/federation'
import type { Service } from '@atoll/kit'
import { HostOwnership, type KnownPeer, Membership } from '@atoll/site'
import type { State } from '@atoll/state'
import type { World } from './world.ts'

export interface SitePeers {
  /** By name, this one included. */
  readonly all: () => readonly KnownPeer[]
  /** The live ones but this. */
  readonly others: () => readonly KnownPeer[]
  readonly isAlive: (name: string) => boolean
  /** See `Membership.isSteward`. */
  readonly isSteward: () => boolean
  readonly onChange: (listener: () => void) => () => void
  readonly ownership: ComputeOwnership & {
    /** The peer that serves a host of this site; undefined when it is this one, or none. */
    readonly otherOwnerOf: (hostName: string) => string | undefined
    /** Whether the peer that serves a host of this site lives. */
    readonly isServed: (hostName: string) => boolean
    /** How many hosts a peer serves. */
    readonly countOf: (peerName: string) => number
  }
  readonly services: readonly Service[]
  readonly leave: () => Promise<void>
}

export interface SitePeersOptions {
  readonly state: State
  readonly world: World
  readonly self: {
    readonly name: string
    readonly addresses: readonly PeerAddress[]
    readonly apiUrl: string
  }
  /** By the names that they have in the cloud. */
  readonly hosts: ReadonlyMap<string, World['hosts'][number]>
}

export async function joinSitePeers({ state, world, self, hosts }: SitePeersOptions): Promise<SitePeers> {
  const tools = { state, clock: world.clock, log: world.log }
  const description = { ...self, hosts: [...hosts.keys()] }
  const membership = new Membership({ ...tools, random: world.random, self: description })
  await membership.open()
  const reachable = [...hosts].map(([name, { acquire = async () => true, release = async () => {} }]) => ({
    name,
    acquire,
    release,
  }))
  const ownership = new HostOwnership({ ...tools, membership, hosts: reachable })
  return {
    all: () => membership.all,
    others: () => membership.others,
    isAlive: (name) => membership.isAlive(name),
    isSteward: () => membership.isSteward,
    onChange: (listener) => membership.onChange(listener),
    ownership: {
      isOwn: (host) => ownership.isOwn(host),
      confirm: (transaction, host) => ownership.confirm(transaction, host),
      onChange: (listener) => ownership.onChange(listener),
      otherOwnerOf: (host) => (ownership.isOwn(host) ? undefined : ownership.ownerOf(host)),
      isServed: (host) => ownership.isServed(host),
      countOf: (name) => ownership.countOf(name),
    },
    services: [membership.service(), ownership.service()],
    leave: () => membership.leave(),
  }
}

/** Of a site whose store nobody else can open. */
export const onlyPeer: SitePeers = Object.freeze({
  all: () => [],
  others: () => [],
  isAlive: () => true,
  isSteward: () => true,
  onChange: () => () => {},
  ownership: { ...soleOwner, otherOwnerOf: () => undefined, isServed: () => true, countOf: () => 0 },
  services: [],
  leave: async () => {},
})
