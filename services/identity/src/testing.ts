/** A whole identity service over a throw-away store, with a few people in it, for tests. */

import { generateKeyPairSync, sign } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type Gate, registerApi, routeHere } from '@atoll/http'
import { type Clock, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { openTestState, type State } from '@atoll/state'
import Fastify, { type FastifyInstance } from 'fastify'
import { bootstrapIdentity } from './bootstrap.ts'
import { createCatalog } from './catalog/catalog.ts'
import type { Identity } from './identity.ts'
import { createIdentityApi } from './identity-api.ts'
import { createTestPasswords } from './passwords/test-passwords.ts'
import type { RecordSites } from './projects/kept-at.ts'
import { identityRecords } from './records.ts'
import { createTokens, type TokenKeys, type Tokens } from './tokens/tokens.ts'

export interface TestIdentity extends Identity {
  readonly server: FastifyInstance
  /** Sends a request and answers with status, headers and parsed body. */
  call(method: Method, path: string, options?: CallOptions): Promise<Reply>
  /** Logs in and answers with the token's text. */
  login(credentials: Credentials): Promise<string>
  /** Makes something through the API as the administrator and answers with its id. */
  create(kind: 'domain' | 'project' | 'user' | 'role', attributes: object): Promise<string>
  grant(grant: { role: string; user: string; project?: string; domain?: string }): Promise<void>
  readonly admin: string
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
interface CallOptions {
  readonly token?: string | undefined
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}
interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads replies of any shape
  readonly body: any
}
interface Credentials {
  readonly user: string
  readonly password?: string
  readonly project?: string
  readonly domain?: string
}

export const PASSWORD = 'correct horse'

/** Keys of one site; several of them know each other through `others`. */
export function testKeys(kid: string, others: readonly TokenKeys[] = []): TokenKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    kid,
    sign: (bytes) => sign(null, bytes, privateKey),
    publicKeyOf: (wanted) =>
      wanted === kid ? publicKey : others.map((keys) => keys.publicKeyOf(wanted)).find(Boolean),
    siteOf: (wanted) => wanted.replace('key-of-', ''),
  }
}

/** Time that a test moves. */
export function manualClock(startMs = 1_800_000_000_000): Clock & { advance(byMs: number): void } {
  let nowMs = startMs
  return {
    ...systemClock,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    advance: (byMs) => {
      nowMs += byMs
    },
  }
}

export interface TestIdentityOptions {
  readonly clock?: Clock
  readonly keys?: TokenKeys
  readonly passwords?: Identity['passwords']
  readonly gate?: Partial<Gate>
  readonly recordSites?: RecordSites
}

export async function openTestIdentity(
  t: TestContext,
  { clock = systemClock, keys = testKeys('key-of-here'), gate, ...options }: TestIdentityOptions = {},
): Promise<TestIdentity> {
  const [random, log] = [seededRandom('identity'), silentLogger]
  const passwords = options.passwords ?? createTestPasswords({ random })
  const state = await openTestState({ records: identityRecords, clock, after: (clean) => t.after(clean) })
  await bootstrapIdentity(state, { passwords, adminPassword: PASSWORD, sites: ['here'] })
  const tokens = await openTestTokens(t, { state, clock, keys })
  const identity = {
    state,
    clock,
    random,
    log,
    passwords,
    tokens,
    catalog: createCatalog({ region: 'reef' }),
    ...(options.recordSites && { recordSites: options.recordSites }),
  }
  const server = Fastify()
  t.after(() => server.close())
  await registerApi(server, createIdentityApi(identity), {
    verifyToken: tokens.verify,
    router: routeHere,
    random,
    log,
    ...gate,
  })
  return { ...identity, server, ...(await client(server)) }
}

export async function openTestTokens(
  t: TestContext,
  { state, clock, keys }: { state: State; clock: Clock; keys: TokenKeys },
): Promise<Tokens> {
  const tokens = await createTokens({ state, clock, random: seededRandom(keys.kid), log: silentLogger, keys })
  t.after(() => tokens.close())
  return tokens
}

async function client(server: FastifyInstance) {
  const call = async (method: Method, path: string, options: CallOptions = {}): Promise<Reply> => {
    const reply = await server.inject({
      method,
      url: `/identity${path}`,
      headers: { ...(options.token !== undefined && { 'x-auth-token': options.token }), ...options.headers },
      ...(options.body && { payload: options.body }),
    })
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: reply.body === '' ? undefined : reply.json(),
    }
  }
  const login = async ({ user, password = PASSWORD, project, domain }: Credentials): Promise<string> => {
    const scope = project ? { project: { id: project } } : domain ? { domain: { id: domain } } : undefined
    const body = loginBody({ user: { id: user, password } }, scope)
    const { status, headers } = await call('POST', '/v3/auth/tokens', { body })
    if (status !== 201) throw new Error(`login of ${user} failed with ${status}`)
    return String(headers['x-subject-token'])
  }
  const byName = { user: { name: 'admin', domain: { id: 'default' }, password: PASSWORD } }
  const first = await call('POST', '/v3/auth/tokens', { body: loginBody(byName) })
  const admin = String(first.headers['x-subject-token'])
  const create = async (kind: string, attributes: object): Promise<string> => {
    const reply = await call('POST', `/v3/${kind}s`, { token: admin, body: { [kind]: attributes } })
    if (reply.status !== 201) throw new Error(`${kind} was not made: ${JSON.stringify(reply.body)}`)
    return reply.body[kind].id
  }
  const grant: TestIdentity['grant'] = async ({ role, user, project, domain }) => {
    const { body } = await call('GET', `/v3/roles?name=${role}`, { token: admin })
    const target = project ? `projects/${project}` : `domains/${domain}`
    const path = `/v3/${target}/users/${user}/roles/${body.roles[0].id}`
    const { status } = await call('PUT', path, { token: admin })
    if (status !== 204) throw new Error(`grant failed with ${status}`)
  }
  return { call, login, create, grant, admin }
}

export function loginBody(password: object, scope?: object): object {
  return { auth: { identity: { methods: ['password'], password }, ...(scope && { scope }) } }
}
