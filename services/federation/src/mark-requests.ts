/**
 * What every request between sites says beside itself: how far the feed of its sender had come, and, in the answer to a
 * write, how far that of the site which performed it has. One that was shut out is not heard at all.
 */

import { faultBody } from '@atoll/http'
import type { State } from '@atoll/state'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Directory } from './directory.ts'
import { SiteRetired, SiteRevoked } from './errors.ts'
import type { FeedWaiter } from './feed-waiter.ts'
import { SEQ_HEADER } from './router.ts'

export interface MarkRequestsOptions {
  readonly state: State
  readonly directory: Directory
  readonly waiter: FeedWaiter
  readonly peerOf: (request: FastifyRequest) => { readonly site: string } | undefined
}

export function markRequests(
  server: FastifyInstance,
  { state, directory, waiter, peerOf }: MarkRequestsOptions,
): void {
  server.addHook('onRequest', async (request, reply) => {
    const site = peerOf(request)?.site
    if (site !== undefined && directory.isRevoked(site)) {
      const heir = directory.standInFor(site)
      const refusal = heir === site ? SiteRevoked({ site }) : SiteRetired({ site, heir })
      return reply
        .status(refusal.status)
        .header('atoll-error', refusal.code)
        .send(faultBody('nova', refusal, ''))
    }
    const mark = request.headers[SEQ_HEADER]
    // Only of itself may a site say how far it has come.
    const sender = request.url.startsWith('/peer/') ? undefined : site
    if (sender !== undefined && typeof mark === 'string' && mark.startsWith(`${sender}:`))
      await waiter.reached(mark)
  })
  server.addHook('onSend', async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD' || request.url.startsWith('/peer/')) return
    reply.header(SEQ_HEADER, `${state.site.name}:${await state.feed.head()}`)
  })
}
