/** `/v3/auth`: issuing, showing, checking and revoking tokens, and what their bearer can use. */

import { BadRequest, type Endpoint, endpoint, Forbidden, Unauthorized } from '@atoll/http'
import { assert } from '@atoll/kit'
import { Type } from 'typebox'
import { entriesOf } from '../catalog/routes.ts'
import { viewDomain } from '../domains/view.ts'
import { TokenNotFound } from '../errors.ts'
import type { AnyContext, Identity } from '../identity.ts'
import { listQuery, listRecords } from '../lists.ts'
import { viewProject } from '../projects/view.ts'
import { domains, projects, revocations } from '../records.ts'
import { targetIdsOf } from '../role-assignments/app.ts'
import { authSchema } from './auth-schema.ts'
import { authenticate } from './authenticate.ts'
import { writesOfLogin } from './issuing-site.ts'
import type { Token } from './tokens.ts'
import { viewToken } from './view.ts'

/** A password of 4096 bytes may take six times as many when each is written as `\u0000`. */
const AUTH_BODY_BYTES_MAX = 32 * 1024

/** Any value of `nocatalog` counts, an empty one included. */
const tokenQuery = Type.Object({ nocatalog: Type.Optional(Type.Unknown()) })

export function tokenEndpoints(identity: Identity): readonly Endpoint[] {
  const { state, tokens, catalog } = identity
  const show = async (context: AnyContext, token: Token) => {
    const isWanted = (context.query as { nocatalog?: unknown }).nocatalog === undefined
    return viewToken(state, token, isWanted ? entriesOf(catalog, context) : undefined)
  }
  return [
    endpoint({
      method: 'POST',
      path: '/v3/auth/tokens',
      rule: null,
      query: tokenQuery,
      body: authSchema,
      bodyLimitBytes: AUTH_BODY_BYTES_MAX,
      status: 201,
      writes: (context) => writesOfLogin(identity, context.body.auth),
      handle: async (context) => {
        const { text, token } = await authenticate(identity, context.body.auth)
        const shown = await show(context, token)
        // Gone between two reads.
        if (!shown) throw Unauthorized({})
        context.setHeader('x-subject-token', text)
        context.setHeader('vary', 'X-Auth-Token')
        return { token: shown }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/auth/tokens',
      rule: 'identity:authenticated',
      query: tokenQuery,
      handle: async (context) => {
        const { text, token } = subjectOf(identity, context, 'identity:validate_token')
        const shown = await show(context, token)
        if (!shown) throw TokenNotFound({})
        context.setHeader('x-subject-token', text)
        context.setHeader('vary', 'X-Auth-Token')
        return { token: shown }
      },
    }),
    endpoint({
      method: 'HEAD',
      path: '/v3/auth/tokens',
      rule: 'identity:authenticated',
      handle: async (context) => {
        const { text } = subjectOf(identity, context, 'identity:check_token')
        context.setHeader('x-subject-token', text)
        context.setHeader('vary', 'X-Auth-Token')
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/v3/auth/tokens',
      rule: 'identity:authenticated',
      status: 204,
      handle: async (context) => {
        const { token } = subjectOf(identity, context, 'identity:revoke_token')
        await state.transaction((transaction) =>
          transaction.insert(revocations, {
            audit_id: token.auditId,
            issued_before_ms: null,
            expires_at_ms: token.expiresAtMs,
          }),
        )
        await tokens.settled()
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/auth/catalog',
      rule: 'identity:authenticated',
      handle: async (context) => {
        const { projectId, domainId } = context.authorization
        if (projectId === null && domainId === null) throw Forbidden({ rule: 'identity:get_auth_catalog' })
        const self = `${context.baseUrl}${context.path}`
        return { catalog: entriesOf(catalog, context), links: { self } }
      },
    }),
    ...ownTargets(identity),
  ]
}

function ownTargets({ state }: Identity): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/v3/auth/projects',
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) =>
        listRecords(context, state, {
          table: projects,
          collection: 'projects',
          filters: ['name', 'domain_id'],
          hasEnabled: true,
          ids: await targetIdsOf(state, context.authorization.userId, 'project'),
          view: (row) => viewProject(context, row),
        }),
    }),
    endpoint({
      method: 'GET',
      path: '/v3/auth/domains',
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) =>
        listRecords(context, state, {
          table: domains,
          collection: 'domains',
          filters: ['name'],
          hasEnabled: true,
          ids: await targetIdsOf(state, context.authorization.userId, 'domain'),
          view: (row) => viewDomain(context, row),
        }),
    }),
  ]
}

/** The token in `X-Subject-Token`, when the bearer may act on it. */
function subjectOf({ tokens }: Identity, context: AnyContext, rule: string): { text: string; token: Token } {
  const text = context.headers['x-subject-token']
  if (typeof text !== 'string' || text === '')
    throw BadRequest({ message: 'Expecting to find X-Subject-Token in headers.' })
  const token = verifySubject(tokens.verify, text)
  context.authorize(rule, { 'target.token.user_id': token.userId })
  return { text, token }
}

function verifySubject(verify: (text: string) => Token, text: string): Token {
  try {
    return verify(text)
  } catch (error) {
    assert(Unauthorized.is(error), 'a token is refused by 401 only')
    throw TokenNotFound({}, { cause: error })
  }
}
