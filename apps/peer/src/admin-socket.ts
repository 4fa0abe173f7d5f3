/** What an operator asks a running peer on its own machine: a Unix socket in the data directory, for its owner only. */

import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Distances,
  NearestQuery,
  type RetirementAnswer,
  type RetirementRequest,
  type Standing,
} from '@atoll/federation'
import { validateBody, validateQuery } from '@atoll/http'
import { AtollError } from '@atoll/kit'
import type { NearSite, Position, SiteState } from '@atoll/overlay'
import Fastify, { type FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { CertificateStatus } from './certificate-status.ts'

/** A site as the overlay of this one knows it. */
export interface OverlayStatus {
  /** How it is for this site, and for how long. Of this site itself: alive or dormant. */
  readonly state: SiteState
  readonly forMs: number
  /** The best that is known of the round trip; null when nothing is. */
  readonly rttMs: number | null
  readonly isMeasured: boolean
  /** By the positions of both alone. */
  readonly predictedMs: number | null
  readonly position: Position | null
}

/** One site as this peer sees it. */
export interface SiteStatus {
  readonly name: string
  readonly apiUrl: string
  /** Milliseconds by which what we know of it may lag; null when it was never heard of. */
  readonly ageMs: number | null
  readonly isReachable: boolean
  readonly standing: Standing
  readonly roundTripMs: number | null
  /** Null at a peer that does not run the overlay of its site, and for a site that it has not heard of. */
  readonly overlay: OverlayStatus | null
  readonly hosts: number
  readonly servers: number
  /** The sites that stand ready to take over what it keeps, best first. Of a retired one: its heir alone. */
  readonly guardians: readonly string[]
  /** What had to be given up to find them: they are far, share a failure domain, or stand in one place. */
  readonly guardianCompromises: readonly string[]
  /** What it fails together with, as it says. */
  readonly failureDomains: readonly string[]
  /** Of a retired site, at its heir: how many of its records nobody took over, as their domains do not trust the heir. */
  readonly recordsLeft: number | null
}

/** Another peer of this site, or this one. */
export interface SitePeerStatus {
  readonly name: string
  readonly apiUrl: string
  readonly isAlive: boolean
  /** How many hosts it serves. */
  readonly hosts: number
}

export interface PeerStatus {
  readonly cloud: string
  readonly site: string
  readonly version: string
  readonly uptimeMs: number
  readonly apiUrl: string
  readonly hypervisor: string
  /** Which store, and where; without a password. */
  readonly store: string
  /** See `Store.roundTrips`. */
  readonly storeRoundTrips: number
  /** Null where there are none, as in a simulation. */
  readonly certificates: CertificateStatus | null
  /** Of this site; empty where it has a store of its own and so one peer. */
  readonly peers: readonly SitePeerStatus[]
  readonly sites: readonly SiteStatus[]
  /** Sites that say that this one was revoked or retired: then it has no part in the cloud any more. */
  readonly shutOutBy: readonly string[]
}

export interface Invitation {
  readonly token: string
  /** What the name of the site that joins with it must begin with. */
  readonly namePrefix: string
}

export interface AdminHandlers {
  status(): Promise<PeerStatus>
  /** See `PeerOverlay`. */
  distances(): Distances
  requireNearestTo(site: string, count: number): readonly NearSite[]
  issuePeerToken(options: { peerName?: string; lifeMs: number }): Promise<string>
  issueJoinToken(options: { siteName?: string; lifeMs: number }): Promise<Invitation>
  /** Answers with the reachable sites that have not heard of it in time. */
  sleep(): Promise<readonly string[]>
  wake(): Promise<void>
  revokeSite(options: { site: string; reason: string }): Promise<void>
  retireSite(request: RetirementRequest): Promise<RetirementAnswer>
}

const TokenBody = Type.Object({
  siteName: Type.Optional(Type.String({ maxLength: 63 })),
  lifeMs: Type.Integer({ minimum: 1000, maximum: 30 * 24 * 3600 * 1000 }),
})

const RevocationBody = Type.Object({
  site: Type.String({ minLength: 1, maxLength: 63 }),
  reason: Type.String({ maxLength: 255 }),
})

const RetirementBody = Type.Object({
  ...RevocationBody.properties,
  heir: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
  isForced: Type.Optional(Type.Boolean()),
})

const PeerTokenBody = Type.Object({
  peerName: Type.Optional(Type.String({ maxLength: 63 })),
  lifeMs: TokenBody.properties.lifeMs,
})

export const adminSocketPath = (dataDirectory: string) => join(dataDirectory, 'admin.sock')

/** Serves the socket; close the returned server to remove it. Callers must hold the lock of the directory. */
export async function serveAdmin(dataDirectory: string, handlers: AdminHandlers): Promise<FastifyInstance> {
  const server = Fastify({ forceCloseConnections: true })
  server.setErrorHandler((error, _request, reply) => {
    const isExpected = error instanceof AtollError
    return reply
      .status(isExpected ? error.status : 500)
      .send({ message: isExpected ? error.message : String(error) })
  })
  server.get('/status', () => handlers.status())
  server.get('/distances', async () => handlers.distances())
  server.get('/nearest', async (request) => {
    const { site, count } = validateQuery(NearestQuery, request.query)
    return { nearest: handlers.requireNearestTo(site, count) }
  })
  server.post('/join-tokens', async (request) => {
    const { siteName, lifeMs } = validateBody(TokenBody, request.body)
    return handlers.issueJoinToken({ lifeMs, ...(siteName ? { siteName } : {}) })
  })
  server.post('/sleep', async () => ({ unaware: await handlers.sleep() }))
  server.post('/wake', async () => {
    await handlers.wake()
    return {}
  })
  server.post('/revocations', async (request) => {
    await handlers.revokeSite(validateBody(RevocationBody, request.body))
    return {}
  })
  server.post('/retirements', (request) => handlers.retireSite(validateBody(RetirementBody, request.body)))
  server.post('/peer-tokens', async (request) => {
    const { peerName, lifeMs } = validateBody(PeerTokenBody, request.body)
    return { token: await handlers.issuePeerToken({ lifeMs, ...(peerName ? { peerName } : {}) }) }
  })
  const path = adminSocketPath(dataDirectory)
  // A socket file of a peer that was killed stays behind and would refuse the bind.
  rmSync(path, { force: true })
  await server.listen({ path })
  chmodSync(path, 0o600)
  return server
}
