/** What this peer answers to the other peers of its own site, and to nobody else. */

import { Forbidden, faultBody, InternalError, validateBody, validateQuery } from '@atoll/http'
import type { ImageStore } from '@atoll/images'
import { AtollError } from '@atoll/kit'
import { OVERLAY_BODY_MAX } from '@atoll/overlay'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { SIBLING_PREFIX, type Siblings } from './siblings.ts'

export interface SiblingEndpointsOptions {
  readonly siteName: string
  readonly images: ImageStore
  readonly siblings: Siblings
  /** Takes in datagrams that `from` sent to another peer of this site; undefined when the overlay does not run here. */
  readonly acceptDatagrams: (from: string, body: Buffer) => Buffer | undefined
  /** Of a guest on a host that this peer serves; '' for any other. */
  readonly consoleOutput: (serverId: string, lines: number | undefined) => Promise<string>
  /** The verified sender. */
  readonly peerOf: (request: FastifyRequest) => { readonly site: string } | undefined
}

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const DigestParams = Type.Object({ digest: Digest })
const CopyBody = Type.Object({ digest: Digest, from: Type.String({ maxLength: 63 }) })
const ConsoleParams = Type.Object({ id: Type.String({ maxLength: 64 }) })
const FromQuery = Type.Object({ from: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }) })
const ConsoleQuery = Type.Object({ lines: Type.Optional(Type.Integer({ minimum: 0 })) })

export async function registerSiblingEndpoints(
  server: FastifyInstance,
  options: SiblingEndpointsOptions,
): Promise<void> {
  const { siteName, images, siblings, consoleOutput, peerOf } = options
  await server.register(
    async (scope) => {
      scope.addHook('onRequest', async (request) => {
        if (peerOf(request)?.site !== siteName) throw Forbidden({ rule: 'peers of this site' })
      })
      scope.setErrorHandler((error, _request, reply) => {
        const expected = error instanceof AtollError ? error : InternalError({}, { cause: error })
        return reply
          .status(expected.status)
          .header('atoll-error', expected.code)
          .send(faultBody('nova', expected, ''))
      })
      const sendBytes = { type: 'application/octet-stream' }
      scope.get('/manifests/:digest', async (request, reply) => {
        const { digest } = validateQuery(DigestParams, request.params)
        return reply.type(sendBytes.type).send(Buffer.from(await images.manifest(digest)))
      })
      scope.get('/chunks/:digest', async (request, reply) => {
        const { digest } = validateQuery(DigestParams, request.params)
        return reply.type(sendBytes.type).send(Buffer.from(await images.chunk(digest)))
      })
      scope.post('/copies', async (request) => {
        const { digest, from } = validateBody(CopyBody, request.body)
        await images.fetch(digest, siblings.chunksOf(from))
        return {}
      })
      scope.addContentTypeParser(sendBytes.type, { parseAs: 'buffer' }, (_request, body, done) =>
        done(null, body),
      )
      scope.post('/overlay', { bodyLimit: OVERLAY_BODY_MAX }, async (request, reply) => {
        const { from } = validateQuery(FromQuery, request.query)
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const answer = options.acceptDatagrams(from, body)
        return answer ? reply.type(sendBytes.type).send(answer) : reply.status(503).send()
      })
      scope.get('/consoles/:id', async (request, reply) => {
        const { id } = validateQuery(ConsoleParams, request.params)
        const { lines } = validateQuery(ConsoleQuery, request.query)
        return reply.type('text/plain').send(await consoleOutput(id, lines))
      })
    },
    { prefix: SIBLING_PREFIX },
  )
}
