/** How this peer lets another one into its site: tokens for its operator, and the answer to whoever brings one. */

import { faultBody, InternalError } from '@atoll/http'
import { AtollError, defineError } from '@atoll/kit'
import { acceptPeerJoin, issuePeerToken, PEER_JOIN_PATH } from '@atoll/overlay'
import { PeerDesk } from '@atoll/site'
import type { State } from '@atoll/state'
import type { FastifyInstance } from 'fastify'
import type { SiteFile } from './site-file.ts'
import type { SitePeers } from './site-peers.ts'
import type { World } from './world.ts'

export const SiteNotShared = defineError({
  code: 'peer.site.not_shared',
  status: 409,
  fault: 'conflictingRequest',
  message: () =>
    'The state of this site is in a file of this machine, which no other peer can open. A site with several peers needs a store that they share: see --store.',
})

export interface AdmitPeersOptions {
  readonly site: SiteFile
  readonly world: World
  readonly state: State
  readonly peers: SitePeers
  /** The address of the store, with its password; undefined for one that nobody else can open. */
  readonly storeUrl: string | undefined
}

export class PeerAdmission {
  readonly #options: AdmitPeersOptions
  readonly #desk: PeerDesk

  constructor(options: AdmitPeersOptions) {
    this.#options = options
    this.#desk = new PeerDesk(options.state, options.peers)
  }

  /** A token that lets one peer into this site. @throws SiteNotShared, NameInvalid */
  async issueToken({ peerName, lifeMs }: { peerName?: string; lifeMs: number }): Promise<string> {
    const { world, storeUrl } = this.#options
    if (storeUrl === undefined) throw SiteNotShared({})
    const { clock, random } = world
    const expiresAtMs = clock.nowMs() + lifeMs
    return issuePeerToken({ keys: world.keys(), store: this.#desk, random, peerName, expiresAtMs })
  }

  /** On the listener for peers, where this path is open to those without a certificate. */
  async registerOn(server: FastifyInstance): Promise<void> {
    await server.register(async (scope) => {
      scope.setErrorHandler((error, _request, reply) => {
        const expected = error instanceof AtollError ? error : InternalError({}, { cause: error })
        return reply.status(expected.status).send(faultBody('nova', expected, ''))
      })
      scope.post(PEER_JOIN_PATH, (request) => this.#admit(request.body))
    })
  }

  async #admit(request: unknown): Promise<object> {
    const { site, world, storeUrl } = this.#options
    if (storeUrl === undefined) throw SiteNotShared({})
    const { clock, random } = world
    const keys = world.keys()
    const answer = await acceptPeerJoin({ clock, random, request, keys, store: this.#desk })
    return { ...answer, siteFile: site, store: storeUrl }
  }
}
