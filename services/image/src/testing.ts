/** What the tests of this service share: the API over a throw-away state, and people who use it. */

import type { TestContext } from 'node:test'
import { type Authorization, registerApi, routeHere, Unauthorized } from '@atoll/http'
import { type Files, ImageStore, MemoryFiles } from '@atoll/images'
import { type Clock, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { openTestState, type State } from '@atoll/state'
import Fastify, { type FastifyInstance } from 'fastify'
import { createImageApi } from './create-image-api.ts'
import type { SourceOf } from './image-data/bring.ts'
import { Uploads } from './image-data/uploads.ts'
import { imageRecords } from './records.ts'
import { imageTables } from './tables.ts'

/** A token is the name of a person. */
export type Person = 'admin' | 'owner' | 'reader' | 'other' | 'unscoped'

const people: Readonly<Record<Person, Pick<Authorization, 'projectId' | 'roles'>>> = {
  admin: { projectId: 'administration', roles: ['admin', 'member', 'reader'] },
  owner: { projectId: 'p1', roles: ['member', 'reader'] },
  reader: { projectId: 'p1', roles: ['reader'] },
  other: { projectId: 'p2', roles: ['member', 'reader'] },
  unscoped: { projectId: null, roles: [] },
}

export interface TestImages {
  readonly server: FastifyInstance
  readonly state: State
  readonly images: ImageStore
  readonly files: Files
  readonly uploads: Uploads
  /** One request below `/image`; bytes are sent as they are, anything else as JSON. */
  readonly call: (
    person: Person | undefined,
    method: string,
    path: string,
    options?: CallOptions,
  ) => Promise<Reply>
  /** Makes an image of the owner's and answers with its id. */
  readonly create: (values?: object, person?: Person) => Promise<string>
  readonly upload: (id: string, bytes: Uint8Array, person?: Person) => Promise<Reply>
}

export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly bytes: Buffer
  /** What a JSON reply says; empty for any other. */
  readonly json: ReplyBody
}

/** The names that the tests read of replies; which of them are there depends on the reply. */
export interface ReplyBody {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly message: string
  readonly first: string
  readonly next: string | undefined
  readonly images: readonly { readonly id: string; readonly name: string }[]
  readonly members: readonly unknown[]
  readonly versions: readonly {
    readonly id: string
    readonly status: string
    readonly links: readonly { readonly href: string }[]
  }[]
  readonly [name: string]: unknown
}

/** A clock that runs, and whose timers never fire. */
export const testClock: Clock = { ...systemClock, after: () => () => {} }

export async function openImages(
  t: TestContext,
  options: { readonly sourceOf?: SourceOf; readonly state?: State } = {},
): Promise<TestImages> {
  const state =
    options.state ??
    (await openTestState({
      records: imageRecords,
      locals: imageTables,
      after: (cleanUp) => t.after(cleanUp),
    }))
  const files = new MemoryFiles({ clock: testClock })
  const images = await ImageStore.open({ path: '/images', files, clock: testClock })
  const uploads = new Uploads({ state, images, log: silentLogger })
  const api = createImageApi({ state, images, uploads, sourceOf: options.sourceOf ?? (() => undefined) })
  const server = Fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 1024 } })
  t.after(() => server.close())
  await registerApi(server, api, {
    verifyToken,
    router: routeHere,
    random: seededRandom(1),
    log: silentLogger,
  })
  const call: TestImages['call'] = async (person, method, path, { body, headers = {} } = {}) => {
    const isBytes = body instanceof Uint8Array
    const contentType = isBytes ? 'application/octet-stream' : 'application/json'
    const reply = await server.inject({
      method: method as 'GET',
      url: `/image${path}`,
      headers: {
        ...(person && { 'x-auth-token': person }),
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    })
    const isJson = String(reply.headers['content-type']).includes('json')
    return {
      status: reply.statusCode,
      headers: reply.headers,
      bytes: reply.rawPayload,
      json: (isJson ? reply.json() : {}) as ReplyBody,
    }
  }
  const create: TestImages['create'] = async (values = {}, person = 'owner') => {
    const body = { name: 'image', disk_format: 'raw', container_format: 'bare', ...values }
    const reply = await call(person, 'POST', '/v2/images', { body })
    if (reply.status !== 201) throw new Error(`no image was made: ${reply.bytes.toString()}`)
    return String(reply.json.id)
  }
  const upload: TestImages['upload'] = (id, body, person = 'owner') =>
    call(person, 'PUT', `/v2/images/${id}/file`, { body })
  return { server, state, images, files, uploads, call, create, upload }
}

function verifyToken(token: string): Authorization {
  if (!Object.hasOwn(people, token)) throw Unauthorized({})
  return {
    userId: token,
    userDomainId: 'default',
    domainId: null,
    auditId: token,
    expiresAtMs: 0,
    ...people[token as Person],
  }
}
