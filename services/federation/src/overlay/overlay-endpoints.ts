/** What sites ask each other about the overlay: to take in datagrams. */

import { Unauthorized } from '@atoll/http'
import { OVERLAY_BODY_MAX, OVERLAY_PATH } from '@atoll/overlay'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OverlayElsewhere } from '../errors.ts'
import type { PeerOverlay } from './peer-overlay.ts'

export interface OverlayEndpointsOptions {
  readonly overlay: PeerOverlay
  /** The verified sender. */
  readonly peerOf: (request: FastifyRequest) => { readonly site: string } | undefined
}

/** Registers them on a scope below `prefix`, which answers errors. */
export async function registerOverlayEndpoints(
  server: FastifyInstance,
  { overlay, peerOf, prefix }: OverlayEndpointsOptions & { readonly prefix: string },
): Promise<void> {
  await server.register(async (scope) => {
    const type = 'application/octet-stream'
    if (!scope.hasContentTypeParser(type))
      scope.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.post(OVERLAY_PATH.slice(prefix.length), { bodyLimit: OVERLAY_BODY_MAX }, async (request, reply) => {
      const site = peerOf(request)?.site
      if (site === undefined) throw Unauthorized({})
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const answer = await overlay.accept(site, body)
      if (!answer) throw OverlayElsewhere({})
      return reply.type(type).send(answer)
    })
  })
}
