/** A network API over a throw-away state, with tokens that name who asks: the world of this service's tests. */

import type { TestContext } from 'node:test'
import { type Authorization, registerApi, routeHere, Unauthorized } from '@atoll/http'
import { seededRandom, silentLogger } from '@atoll/kit'
import { foundShare, openTestState, type State } from '@atoll/state'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { createNetworkApi, VNIS } from '../create-network-api.ts'
import { networkRecords } from '../records.ts'

const bearers = {
  admin: { projectId: 'admin-project', roles: ['admin', 'member', 'reader'] },
  member: { projectId: 'p1', roles: ['member', 'reader'] },
  reader: { projectId: 'p1', roles: ['reader'] },
  other: { projectId: 'p2', roles: ['member', 'reader'] },
  unscoped: { projectId: null, roles: [] },
} as const

export type Bearer = keyof typeof bearers

export interface NetworkSite {
  readonly state: State
  readonly server: FastifyInstance
  /** Sends a request below `/network` as `bearer`, `member` unless told; `none` sends no token. */
  call(method: string, path: string, options?: CallOptions): Promise<LightMyRequestResponse>
  /** As `call`; answers with what stands under the only key of the reply, and throws when it is an error. */
  make<View extends object = Record<string, string>>(
    path: string,
    body: object,
    bearer?: Bearer,
  ): Promise<View>
}

export interface CallOptions {
  readonly bearer?: Bearer | 'none'
  readonly body?: object
}

export interface NetworkSiteOptions {
  /** Bytes of VNIs and names: how many networks can be made. */
  readonly vnisCount?: number
}

export async function networkSite(
  t: TestContext,
  { vnisCount = 1000 }: NetworkSiteOptions = {},
): Promise<NetworkSite> {
  const state = await openTestState({ records: networkRecords, after: (cleanUp) => t.after(cleanUp) })
  await state.transaction((transaction) =>
    foundShare(transaction, VNIS, { ranges: [[4096, 4096 + vnisCount]] }),
  )
  const server = Fastify()
  t.after(() => server.close())
  await registerApi(server, createNetworkApi({ state }), {
    verifyToken: authorizationOf,
    router: routeHere,
    random: seededRandom(1),
    log: silentLogger,
  })
  const call: NetworkSite['call'] = (method, path, { bearer = 'member', body } = {}) =>
    server.inject({
      method: method as 'GET',
      url: `/network${path}`,
      headers: bearer === 'none' ? {} : { 'x-auth-token': bearer },
      ...(body && { payload: body }),
    })
  const make = async <View extends object>(path: string, body: object, bearer: Bearer = 'member') => {
    const reply = await call('POST', path, { bearer, body })
    if (reply.statusCode !== 201) throw new Error(`${path}: ${reply.statusCode} ${reply.body}`)
    const [view] = Object.values(reply.json<Record<string, View>>())
    return view as View
  }
  return { state, server, call, make }
}

/** The token's text is the name of its bearer. */
export function authorizationOf(token: string): Authorization {
  if (!Object.hasOwn(bearers, token)) throw Unauthorized({})
  const { projectId, roles } = bearers[token as Bearer]
  return {
    userId: `user-${token}`,
    userDomainId: 'default',
    projectId,
    domainId: null,
    roles,
    auditId: token,
    expiresAtMs: 0,
  }
}
