/** What sites ask of each other beside the OpenStack API itself: feeds, shares, homes, chunks, and to join. */

import { BadRequest, faultBody, InternalError, Unauthorized, validateBody, validateQuery } from '@atoll/http'
import { AtollError, type Clock, SITE_CODE_MAX } from '@atoll/kit'
import { cloudScope, type FeedEntry, giveBack, passSharesOn, type State } from '@atoll/state'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Admission } from './admission.ts'
import type { Directory } from './directory.ts'
import { NotHeir } from './errors.ts'
import type { FeedReaders } from './feed-readers.ts'
import { FEED_PAGE_MAX } from './follower.ts'
import { CONTACT_INTERVAL_MS, type Freshness } from './freshness.ts'
import type { Lender } from './lending.ts'
import type { Mover } from './moving.ts'
import { registerOverlayEndpoints } from './overlay/overlay-endpoints.ts'
import type { PeerOverlay } from './overlay/peer-overlay.ts'
import { Address } from './peer-client.ts'
import { sites } from './records.ts'
import { waitForCommit } from './wait-for-commit.ts'

/** Bytes of images for another site, by digest. @throws an AtollError for what is not here, or not for `site` */
export interface ChunksForSites {
  manifest(digest: string, site: string): Promise<Uint8Array>
  /** @param manifest digest of the manifest because of which the site asks; undefined from an older version */
  chunk(digest: string, site: string, manifest: string | undefined): Promise<Uint8Array>
}

export interface PeerEndpointsOptions {
  readonly state: State
  readonly directory: Directory
  readonly mover: Mover
  readonly lender: Lender
  readonly readers: FeedReaders
  readonly overlay: PeerOverlay
  readonly freshness: Freshness
  /** A site has said where it is, so it is back. */
  readonly onIntroduced: (site: string) => void
  /** How many live records of a project have their home here. */
  readonly countKept: (projectId: string) => Promise<number>
  readonly chunks: ChunksForSites
  readonly clock: Clock
  /** The verified sender; undefined only on the join path. */
  readonly peerOf: (request: FastifyRequest) => { readonly site: string } | undefined
  readonly admission: Admission
}

const PREFIX = '/peer/v1'

const FeedQuery = Type.Object({
  after: Type.Integer({ minimum: 0 }),
  limit: Type.Integer({ minimum: 1, maximum: FEED_PAGE_MAX }),
  wait_ms: Type.Integer({ minimum: 0, maximum: CONTACT_INTERVAL_MS }),
})
const ShareBody = Type.Object({
  resource: Type.String({ maxLength: 255 }),
  wanted: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  in_advance: Type.Optional(Type.Boolean()),
})
const HomeBody = Type.Object({ table: Type.String({ maxLength: 64 }), id: Type.String({ maxLength: 255 }) })
const AcceptBody = Type.Object({
  table: Type.String({ maxLength: 64 }),
  row: Type.Object(
    { id: Type.String(), home: Type.String(), generation: Type.Integer() },
    { additionalProperties: true },
  ),
})
const IssuerQuery = Type.Object({ issuer: Type.Integer({ minimum: 0, maximum: SITE_CODE_MAX }) })
/** Two certificates and a signing request. */
const CERTIFICATE_BODY_BYTES_MAX = 16_384
const ProjectBody = Type.Object({ project: Type.String({ maxLength: 255 }) })
const SelfBody = Type.Object({ addresses: Type.Array(Address, { maxItems: 8 }) })
const SiteParams = Type.Object({ site: Type.String({ minLength: 1, maxLength: 63 }) })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const DigestParams = Type.Object({ digest: Digest })
const ChunkQuery = Type.Object({ manifest: Type.Optional(Digest) })

/** Shares that are passed on to an heir in one transaction; it asks again for more. */
const PASSED_ON_MAX = 100

/** Registers the peer endpoints on the listener for peers. */
export async function registerPeerEndpoints(
  server: FastifyInstance,
  options: PeerEndpointsOptions,
): Promise<void> {
  const { state, directory, mover, lender, countKept, chunks, readers, onIntroduced, admission } = options
  const senderOf = (request: FastifyRequest): string => {
    const peer = options.peerOf(request)
    if (!peer) throw Unauthorized({})
    return peer.site
  }
  await server.register(
    async (scope) => {
      scope.setErrorHandler((error, _request, reply) => {
        const expected = asExpected(error)
        return reply
          .status(expected.status)
          .header('atoll-error', expected.code)
          .send(faultBody('nova', expected, ''))
      })
      await registerOverlayEndpoints(scope, { ...options, prefix: PREFIX })
      scope.get('/feed', async (request) => {
        const sender = senderOf(request)
        const { after, limit, wait_ms } = validateQuery(FeedQuery, request.query)
        readers.note(sender, after)
        const page = await readOrWait(options, { follower: sender, after, limit, waitMs: wait_ms })
        const first = after === 0 ? await introduction(state) : []
        return { ...page, entries: [...first, ...page.entries], sites: directory.hints() }
      })
      scope.get('/feeds/:site', async (request) => {
        senderOf(request)
        const { site } = validateQuery(SiteParams, request.params)
        return { seq: await state.feed.cursor(site), isReachable: options.freshness.isReachable(site) }
      })
      // A site that has just joined is known to nobody: whom it follows learns here where it is, and follows it in turn.
      scope.post('/sites', async (request) => {
        const { addresses } = validateBody(SelfBody, request.body)
        const sender = senderOf(request)
        await directory.learn([{ name: sender, addresses }])
        onIntroduced(sender)
        return {}
      })
      scope.post('/shares', async (request) => {
        const { resource, wanted, in_advance: isInAdvance = false } = validateBody(ShareBody, request.body)
        return { row: await lender.lend({ resource, wanted, isInAdvance, borrower: senderOf(request) }) }
      })
      scope.post('/shares/return', async (request) => {
        const { resource, wanted } = validateBody(ShareBody, request.body)
        const loan = { resource, wanted, lender: senderOf(request) }
        return { returned: await state.transaction((transaction) => giveBack(transaction, loan)) }
      })
      // How many live records of a project have their home here.
      scope.post('/projects/records', async (request) => {
        senderOf(request)
        const { project } = validateBody(ProjectBody, request.body)
        return { count: await countKept(project) }
      })
      scope.post('/shares/inherit', async (request) => {
        const heir = senderOf(request)
        const { site } = validateBody(SiteParams, request.body)
        if (heir === site || directory.standInFor(site) !== heir) throw NotHeir({ site, heir })
        const estate = { from: site, to: heir, limit: PASSED_ON_MAX }
        return { count: await state.transaction((transaction) => passSharesOn(transaction, estate)) }
      })
      scope.post('/homes', async (request) => {
        const { table, id } = validateBody(HomeBody, request.body)
        return { row: await mover.giveAway(table, id, senderOf(request)) }
      })
      scope.post('/homes/accept', async (request) => {
        senderOf(request)
        const { table, row } = validateBody(AcceptBody, request.body)
        await mover.accept(table, row)
        return {}
      })
      scope.get('/manifests/:digest', async (request, reply) => {
        const sender = senderOf(request)
        const { digest } = validateQuery(DigestParams, request.params)
        return reply.type('application/octet-stream').send(Buffer.from(await chunks.manifest(digest, sender)))
      })
      scope.get('/chunks/:digest', async (request, reply) => {
        const sender = senderOf(request)
        const { digest } = validateQuery(DigestParams, request.params)
        const { manifest } = validateQuery(ChunkQuery, request.query)
        const bytes = await chunks.chunk(digest, sender, manifest)
        return reply.type('application/octet-stream').send(Buffer.from(bytes))
      })
      scope.post('/join', (request) => admission.accept(request.body))
      scope.get('/join', async (request) => {
        const { issuer } = validateQuery(IssuerQuery, request.query)
        return admission.whereToJoin(issuer)
      })
      const bodyLimit = CERTIFICATE_BODY_BYTES_MAX
      scope.post('/certificates/site', { bodyLimit }, (request) => admission.renew(request.body))
      scope.post('/certificates/admits', { bodyLimit }, (request) => admission.letAdmit(request.body))
    },
    { prefix: PREFIX },
  )
}

/** What the server itself refuses, as a body that is too large, is the sender's fault and no bug of ours. */
function asExpected(error: unknown): AtollError {
  if (error instanceof AtollError) return error
  const { statusCode = 500, message } = Object(error) as { statusCode?: number; message?: string }
  const isRefusal = statusCode >= 400 && statusCode < 500
  return isRefusal
    ? BadRequest({ message: String(message) }, { cause: error })
    : InternalError({}, { cause: error })
}

const scope = cloudScope('peer endpoints')

/**
 * What this site says of itself: a follower that begins needs its code and key before anything else, to judge the
 * records that come, and its place in the feed is where it changed last.
 */
async function introduction(state: State): Promise<FeedEntry[]> {
  const row = await state.find(scope, sites, state.site.name)
  return row ? [{ table: sites.name, row }] : []
}

/** A page at once when there is one, else as soon as this site commits something, else an empty one after `waitMs`. */
async function readOrWait(
  { state, clock }: PeerEndpointsOptions,
  { follower, after, limit, waitMs }: { follower: string; after: number; limit: number; waitMs: number },
) {
  const read = () => state.feed.read({ home: state.site.name, follower, after, limit })
  const page = await read()
  if (page.upTo > after || waitMs === 0) return { ...page, waitedMs: 0 }
  const askedMs = clock.monotonicMs()
  const isReached = async () => (await state.feed.head()) > after
  await waitForCommit({ state, clock, patienceMs: waitMs, isReached })
  return { waitedMs: clock.monotonicMs() - askedMs, ...(await read()) }
}
