/**
 * The one gate in front of every service: request id, microversion, token, policy, schema, routing, and errors in
 * the family's own form, in this order. A handler runs only when all of it was passed.
 */

import { Readable } from 'node:stream'
import { AtollError, assert, type Logger, type Random } from '@atoll/kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Authorization, scopeOf, type VerifyToken } from './authorization.ts'
import { type Api, BODY_LIMIT_BYTES, type Context, type Endpoint } from './endpoint.ts'
import {
  BadRequest,
  BodyTooLarge,
  Forbidden,
  InternalError,
  MethodNotAllowed,
  NotFound,
  Unauthorized,
  UnsupportedMediaType,
} from './errors.ts'
import { faultBody } from './faults.ts'
import { methodFinder } from './method-finder.ts'
import {
  formatMicroversion,
  type Microversion,
  negotiateMicroversion,
  parseMicroversion,
} from './microversion.ts'
import { parseJson } from './parse-json.ts'
import { Policy, type Target } from './policy.ts'
import { requestIds } from './request-id.ts'
import {
  NO_ROOM,
  type RequestRouter,
  type RoutedReply,
  type RoutedRequest,
  STAND_IN_HEADER,
} from './routing.ts'
import { validateBody, validateQuery } from './validate.ts'

export interface Gate {
  readonly verifyToken: VerifyToken
  readonly router: RequestRouter
  readonly random: Random
  readonly log: Logger
  /** The peer at the other end of a request's connection; undefined for a client. */
  readonly peerOf?: (request: FastifyRequest) => { readonly site: string } | undefined
  /**
   * Runs the work of one request: its reads may share one question to the store about how fresh it is. Not used for
   * bodies that stream, which may take hours.
   */
  readonly session?: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** How old the answers to reads may be, site by site; sent as `Atoll-Freshness`. */
  readonly describeFreshness?: () => string
  /** Public address of this peer, when it stands behind another name than the `Host` header says. */
  readonly publicUrl?: string
}

interface Passing {
  readonly requestId: string
  readonly log: Logger
  microversion: Microversion
  authorization: Authorization | undefined
  rawBody: Buffer | undefined
}

/** Registers an API on `server` below its prefix. */
export async function registerApi(server: FastifyInstance, api: Api, gate: Gate): Promise<void> {
  const policy = new Policy(api.rules)
  const passings = new WeakMap<FastifyRequest, Passing>()
  const passingOf = (request: FastifyRequest): Passing => {
    const passing = passings.get(request)
    assert(passing, 'a request was handled before it passed the first hook')
    return passing
  }

  await server.register(
    async (scope) => {
      parseBodies(scope, passingOf)
      scope.addHook('onRequest', async (request, reply) => {
        const ids = requestIds(gate.random, request.headers)
        const log = gate.log.child({ requestId: ids.own, ...(ids.global && { globalRequestId: ids.global }) })
        passings.set(request, {
          requestId: ids.own,
          log,
          microversion: 0,
          authorization: undefined,
          rawBody: undefined,
        })
        for (const header of ['x-openstack-request-id', ...(api.requestIdHeaders ?? [])])
          reply.header(header, ids.own)
        const passing = passingOf(request)
        if (request.url.includes('%00')) throw BadRequest({ message: 'Malformed request: NUL in the URL' })
        passing.microversion = answerMicroversion(api, request, reply)
        const token = request.headers['x-auth-token']
        if (typeof token === 'string' && token !== '') {
          if (endpointsOf(request).some(({ rule }) => rule !== null))
            passing.authorization = await gate.verifyToken(token)
        } else if (endpointsOf(request).some(({ rule }) => rule !== null)) {
          throw Unauthorized({})
        }
      })
      scope.setErrorHandler((error, request, reply) => {
        const passing = passings.get(request)
        const expected = asExpected(error, passing?.log ?? gate.log)
        return sendError(api, reply, expected, passing?.requestId ?? '')
      })
      const methodsByPath = addRoutes(scope, api, (request, reply, endpoints) =>
        handle({ api, gate, policy, request, reply, endpoints, passing: passingOf(request) }),
      )
      const methodsAt = methodFinder(methodsByPath)
      scope.setNotFoundHandler(async (request, reply) => {
        const [path = ''] = request.url.slice(api.prefix.length).split('?', 1)
        const methods = methodsAt(path)
        if (methods.length === 0) throw NotFound({})
        reply.header('allow', methods.join(', '))
        throw MethodNotAllowed({ method: request.method })
      })
    },
    { prefix: api.prefix },
  )
}

interface Handling {
  readonly api: Api
  readonly gate: Gate
  readonly policy: Policy
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly endpoints: readonly Endpoint[]
  readonly passing: Passing
}

async function handle(handling: Handling): Promise<FastifyReply> {
  const { gate, endpoints, passing } = handling
  const endpoint = endpoints.find((candidate) => isInVersion(candidate, passing.microversion))
  if (!endpoint) throw NotFound({})
  const pass = () => passWith(handling, endpoint)
  return gate.session && endpoint.body !== 'stream' ? gate.session(pass) : pass()
}

async function passWith(handling: Handling, endpoint: Endpoint): Promise<FastifyReply> {
  const { request, reply } = handling
  reply.status(endpoint.status ?? 200)
  const context = contextOf(handling)
  if (endpoint.rule !== null) context.authorize(endpoint.rule)
  const query = validateQueryOf(endpoint, request)
  const body = validateBodyOf(endpoint, request)
  const checked: Context = Object.assign(context, { query, body })
  return perform(handling, endpoint, checked)
}

/** Here or at the home, as the router decides; a workload that finds no room here is offered to other places. */
async function perform(handling: Handling, endpoint: Endpoint, context: Context): Promise<FastifyReply> {
  const { api, request, reply, gate } = handling
  if (request.method === 'GET' && gate.describeFreshness)
    reply.header('atoll-freshness', gate.describeFreshness())
  const routable = routableOf(handling, endpoint, context)
  const answered =
    api.isOfProjects && routable.authorization ? await gate.router.routeByProject(routable) : undefined
  if (answered) return sendRouted(reply, answered)
  const writes = await endpoint.writes?.(context)
  if (!writes) return send(reply, await endpoint.handle(context))
  try {
    const routed = await gate.router.route(routable, writes)
    return routed ? sendRouted(reply, routed) : send(reply, await endpoint.handle(context))
  } catch (error) {
    const hasNoRoom = writes.kind === 'workload' && error instanceof AtollError && error.code === NO_ROOM
    if (!hasNoRoom || routable.forwardedBy) throw error
    const routed = await gate.router.elsewhere(routable, writes)
    if (routed) return sendRouted(reply, routed)
    if (!endpoint.handleNoRoom) throw error
    return send(reply, await endpoint.handleNoRoom(context, error))
  }
}

function routableOf(
  { request, passing, gate }: Handling,
  endpoint: Endpoint,
  context: Context,
): RoutedRequest {
  const isStandIn = request.headers[STAND_IN_HEADER] !== undefined
  return {
    method: request.method,
    url: request.url,
    headers: request.headers,
    body: endpoint.body === 'stream' ? context.stream : passing.rawBody,
    authorization: passing.authorization,
    protocol: request.protocol,
    forwardedBy: isStandIn ? undefined : gate.peerOf?.(request),
  }
}

function contextOf({ api, gate, policy, request, reply, passing }: Handling): Context {
  const { authorization } = passing
  let signal: AbortSignal | undefined
  const allows = (rule: string, target?: Target) => {
    assert(authorization, 'an endpoint without a rule has no authorization')
    const own = { project_id: authorization.projectId, user_id: authorization.userId }
    return policy.allows(rule, authorization, target ?? own)
  }
  return {
    requestId: passing.requestId,
    get authorization() {
      assert(authorization, 'an endpoint without a rule has no authorization')
      return authorization
    },
    get scope() {
      assert(authorization, 'an endpoint without a rule has no scope')
      return scopeOf(authorization)
    },
    params: request.params as Record<string, string>,
    query: {},
    body: undefined,
    get stream() {
      return request.body instanceof Readable ? request.body : Readable.from([])
    },
    headers: request.headers,
    microversion: passing.microversion,
    baseUrl: `${gate.publicUrl ?? `${request.protocol}://${request.host}`}${api.prefix}`,
    path: request.url.slice(api.prefix.length),
    log: passing.log,
    get signal() {
      signal ??= leavingOf(reply)
      return signal
    },
    setStatus: (status) => void reply.status(status),
    setHeader: (name, value) => void reply.header(name, value),
    allows,
    authorize: (rule, target) => {
      if (!allows(rule, target)) throw Forbidden({ rule })
    },
  }
}

/** Aborts when the client leaves before its answer is complete. */
function leavingOf({ raw }: FastifyReply): AbortSignal {
  const abort = new AbortController()
  const leave = () => {
    if (!raw.writableEnded) abort.abort()
  }
  // Not the request's own `close`: that one comes as soon as its body was read.
  if (raw.destroyed) leave()
  else raw.once('close', leave)
  return abort.signal
}

function validateQueryOf(endpoint: Endpoint, request: FastifyRequest): Record<string, unknown> {
  const query = { ...(request.query as Record<string, unknown>) }
  return endpoint.query ? (validateQuery(endpoint.query, query) as Record<string, unknown>) : query
}

function validateBodyOf(endpoint: Endpoint, request: FastifyRequest): unknown {
  if (endpoint.body === undefined || endpoint.body === 'stream') return undefined
  if (request.body instanceof Readable) {
    throw UnsupportedMediaType({ contentType: String(request.headers['content-type']).slice(0, 100) })
  }
  return validateBody(endpoint.body, request.body)
}

type Handler = (
  request: FastifyRequest,
  reply: FastifyReply,
  endpoints: readonly Endpoint[],
) => Promise<FastifyReply>

interface RouteConfig {
  readonly endpoints: readonly Endpoint[]
}

function endpointsOf(request: FastifyRequest): readonly Endpoint[] {
  return (request.routeOptions.config as Partial<RouteConfig>).endpoints ?? []
}

/** One route for all definitions of a method and a path; their microversions decide at the request. */
function addRoutes(scope: FastifyInstance, api: Api, handler: Handler): Map<string, Set<string>> {
  const routes = new Map<string, Endpoint[]>()
  for (const endpoint of api.endpoints) {
    const key = `${endpoint.method} ${endpoint.path}`
    routes.set(key, [...(routes.get(key) ?? []), endpoint])
  }
  const methodsByPath = new Map<string, Set<string>>()
  for (const endpoints of routes.values()) {
    const [first] = endpoints
    if (!first) continue
    const { method, path: url } = first
    methodsByPath.set(url, (methodsByPath.get(url) ?? new Set()).add(method))
    const config: RouteConfig = { endpoints }
    const bodyLimit = Math.max(...endpoints.map(({ bodyLimitBytes }) => bodyLimitBytes ?? BODY_LIMIT_BYTES))
    scope.route({
      method,
      url,
      config,
      bodyLimit,
      exposeHeadRoute: false,
      handler: (request, reply) => handler(request, reply, endpoints),
    })
  }
  return methodsByPath
}

// JSON is kept raw beside its parsed form, so that a request can be forwarded as it was sent.
function parseBodies(scope: FastifyInstance, passingOf: (request: FastifyRequest) => Passing): void {
  scope.removeAllContentTypeParsers()
  const json =
    /^application\/(?:[\w.-]+\+)?json(?:-patch)?(?:\s*;|$)|^application\/openstack-images-v2\.\d+-json-patch/
  scope.addContentTypeParser(json, { parseAs: 'buffer' }, (request, body, done) => {
    const raw = body as Buffer
    passingOf(request).rawBody = raw
    if (raw.length === 0) return done(null, undefined)
    try {
      done(null, parseJson(raw))
    } catch (error) {
      done(BadRequest.is(error) ? error : BadRequest({ message: 'Malformed request body' }), undefined)
    }
  })
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

function answerMicroversion(api: Api, request: FastifyRequest, reply: FastifyReply): Microversion {
  const range = api.microversions
  if (!range) return 0
  const headers = ['OpenStack-API-Version', ...(range.legacyHeader ? [range.legacyHeader] : [])]
  reply.header('vary', headers.join(', '))
  const version = negotiateMicroversion(request.headers, range)
  const text = formatMicroversion(version)
  reply.header('openstack-api-version', `${range.serviceType} ${text}`)
  if (range.legacyHeader) reply.header(range.legacyHeader.toLowerCase(), text)
  return version
}

function isInVersion({ since, until }: Endpoint, version: Microversion): boolean {
  if (since !== undefined && version < parseMicroversion(since)) return false
  return until === undefined || version <= parseMicroversion(until)
}

function send(reply: FastifyReply, result: unknown): FastifyReply {
  if (result === undefined) return reply.send()
  if (result instanceof Readable) return reply.type('application/octet-stream').send(result)
  return reply.type('application/json').send(JSON.stringify(result))
}

const HOP_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'date'])

function sendRouted(reply: FastifyReply, { status, headers, body }: RoutedReply): FastifyReply {
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && !HOP_HEADERS.has(name)) reply.header(name, value)
  }
  return reply.status(status).send(body)
}

/** Fastify's own refusals in our words; anything unknown is a bug of ours and says nothing to the client. */
function asExpected(error: unknown, log: Logger): AtollError {
  if (error instanceof AtollError) {
    // What only operators may read is their business, too.
    const isTheirs = error.publicMessage !== error.message
    if (isTheirs) log.warn({ code: error.code, err: error.cause }, error.message)
    else if (error.cause !== undefined) log.info({ code: error.code, err: error.cause }, error.message)
    return error
  }
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return BodyTooLarge({ limitBytes: BODY_LIMIT_BYTES }, { cause: error })
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return UnsupportedMediaType({ contentType: '' }, { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return BadRequest({ message: 'Malformed request' }, { cause: error })
  }
  log.error({ err: error }, 'a request failed by a bug')
  return InternalError({}, { cause: error })
}

/** Answers with an error in the API's own form. */
export function sendError(api: Api, reply: FastifyReply, error: AtollError, requestId: string): FastifyReply {
  // Between peers the code decides what to do next; to a client it is a hint for the documentation.
  reply.header('atoll-error', error.code)
  if (error.retryAfterMs !== undefined)
    reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
  if (error.status === 401) reply.header('www-authenticate', `Keystone uri="${identityUrl(reply.request)}"`)
  return reply
    .status(error.status)
    .type('application/json')
    .send(JSON.stringify(faultBody(api.faults, error, requestId)))
}

function identityUrl(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}/identity`
}
