/** How a server must be made on which APIs are registered, so that what its router refuses is answered by them, too. */

import type { Random } from '@atoll/kit'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from './endpoint.ts'
import { BadRequest, NotFound } from './errors.ts'
import { sendError } from './register-api.ts'
import { requestIds } from './request-id.ts'

/** A tag may be 255 characters long, each of them up to 12 bytes in a URL. */
const PARAMETER_LENGTH_MAX = 4096

export interface ServerOptions {
  readonly routerOptions: { readonly maxParamLength: number }
  readonly frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void
}

/** To be spread into the options of Fastify. */
export function serverOptions(apis: readonly Api[], random: Random): ServerOptions {
  return {
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    frameworkErrors: ({ code }, request, reply) => {
      const { own } = requestIds(random, request.headers)
      const api = apis.find(({ prefix }) => request.url.startsWith(`${prefix}/`)) ?? apis[0]
      const headers = ['x-openstack-request-id', ...(api?.requestIdHeaders ?? [])]
      for (const header of headers) reply.header(header, own)
      // Nothing has so long a name.
      const error =
        code === 'FST_ERR_MAX_PARAM_LENGTH' ? NotFound({}) : BadRequest({ message: 'Malformed URL' })
      if (api) sendError(api, reply, error, own)
      else reply.status(error.status).send({ message: error.publicMessage })
    },
  }
}
