/** What sites ask each other about the overlay: to take in datagrams, and how far it is from one site to another. */

import { Unauthorized, validateQuery } from '@atoll/http'
import { OVERLAY_BODY_MAX, OVERLAY_PATH } from '@atoll/overlay'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { OverlayElsewhere } from '../errors.ts'
import type { PeerOverlay } from './peer-overlay.ts'

export interface OverlayEndpointsOptions {
  readonly overlay: PeerOverlay
  /** The verified sender. */
  readonly peerOf: (request: FastifyRequest) => { readonly site: string } | undefined
}

/** Which sites are nearest to one. */
export const NearestQuery = Type.Object({
  site: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
  count: Type.Integer({ minimum: 1, maximum: 1000, default: 10 }),
})

/** Registers them on a scope below `prefix`, which answers errors. */
export async function registerOverlayEndpoints(
  server: FastifyInstance,
  { overlay, peerOf, prefix }: OverlayEndpointsOptions & { readonly prefix: string },
): Promise<void> {
  const senderOf = (request: FastifyRequest): string => {
    const site = peerOf(request)?.site
    if (site === undefined) throw Unauthorized({})
    return site
  }
  await server.register(async (scope) => {
    scope.get('/distances', async (request) => {
      senderOf(request)
      return overlay.distances()
    })
    scope.get('/nearest', async (request) => {
      senderOf(request)
      const { site, count } = validateQuery(NearestQuery, request.query)
      return { nearest: overlay.requireNearestTo(site, count) }
    })
    const type = 'application/octet-stream'
    if (!scope.hasContentTypeParser(type))
      scope.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.post(OVERLAY_PATH.slice(prefix.length), { bodyLimit: OVERLAY_BODY_MAX }, async (request, reply) => {
      const site = senderOf(request)
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const answer = await overlay.accept(site, body)
      if (!answer) throw OverlayElsewhere({})
      return reply.type(type).send(answer)
    })
  })
}
