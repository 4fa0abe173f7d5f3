/** A compute API over a throw-away state, with hosts, a flavor, an image and tokens for everybody a test needs. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Api, type Authorization, registerApi, routeHere, Unauthorized } from '@atoll/http'
import { type Clock, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { openSqlite } from '@atoll/rome'
import { type AnyRecord, cloudScope, type NewRecord, State } from '@atoll/state'
import Fastify, { type FastifyInstance } from 'fastify'
import { createComputeApi } from '../create-compute-api.ts'
import type { ImageForCompute } from '../images-for-compute.ts'
import { quotaFounders } from '../quotas/quota.ts'
import { computeRecords, flavors, hosts, servers } from '../records.ts'
import { completeDeletion, reportRunning } from '../reports.ts'
import type { ServerRow } from '../servers/status.ts'
import { fakeNetwork, fakePorts, NETWORK_ID } from './fake-network.ts'

export const IMAGE_ID = '33333333-3333-4333-8333-333333333333'
export const PROJECT_ID = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
export const OTHER_PROJECT_ID = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'

const bearer = (name: string, projectId: string | null, roles: readonly string[]): Authorization => ({
  userId: `${name}-user`,
  userDomainId: 'default',
  projectId,
  domainId: null,
  roles,
  auditId: name,
  expiresAtMs: 0,
})

/** By token. */
export const bearers: Readonly<Record<string, Authorization>> = {
  admin: bearer('admin', PROJECT_ID, ['admin', 'member', 'reader']),
  member: bearer('member', PROJECT_ID, ['member', 'reader']),
  reader: bearer('reader', PROJECT_ID, ['reader']),
  other: bearer('other', OTHER_PROJECT_ID, ['member', 'reader']),
  unscoped: bearer('unscoped', null, []),
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly token?: string | undefined
  readonly version?: string
  readonly body?: unknown
}

export interface TestCloudOptions {
  readonly hostsCount?: number
  readonly host?: Partial<NewRecord<typeof hosts>>
  readonly clock?: Clock
  readonly isReachable?: (record: AnyRecord) => boolean
  readonly network?: typeof fakeNetwork
}

export interface Reply {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of every shape and fails where they differ.
  readonly body: any
  readonly headers: Readonly<Record<string, unknown>>
}

export interface TestCloud {
  readonly state: State
  readonly api: Api
  readonly server: FastifyInstance
  call(path: string, call?: Call): Promise<Reply>
  /** Creates a server as `member` and answers with its id. */
  create(changes?: object, call?: Call): Promise<string>
  /** What the host agent would do: start what is to run. */
  run(id: string): Promise<void>
  /** What the host agent would do: end what is to go. */
  finishDeletion(id: string): Promise<void>
  row(id: string): Promise<ServerRow>
}

const image: ImageForCompute = {
  id: IMAGE_ID,
  status: 'active',
  size_bytes: 1000,
  virtual_size_bytes: 1000,
  min_disk_gib: 0,
  min_ram_mib: 0,
}

export const scope = cloudScope('test')

export async function openTestCloud(t: TestContext, options: TestCloudOptions = {}): Promise<TestCloud> {
  const { clock = systemClock, isReachable = () => true, network = fakeNetwork } = options
  const state = await openState(t, clock)
  const random = seededRandom('test cloud')
  const api = createComputeApi({
    state,
    network,
    images: { find: async (_scope, id) => (id === IMAGE_ID ? image : undefined) },
    clock,
    random,
    freshness: { isReachable },
    isHere: ({ home }) => home === state.site.name,
    isKept: async () => true,
    consoleOutput: async ({ name }, lines) => `console of ${name}, ${lines ?? 'all'} lines\u0007\n`,
  })
  const server = Fastify()
  t.after(() => server.close())
  await registerApi(server, api, {
    verifyToken: (token) => {
      const found = bearers[token]
      if (!found) throw Unauthorized({})
      return found
    },
    router: routeHere,
    random,
    log: silentLogger,
  })
  await addHosts(state, options)
  await addFlavor(state)
  return testCloud({ state, api, server, network })
}

function testCloud(
  parts: Pick<TestCloud, 'state' | 'api' | 'server'> & { network: typeof fakeNetwork },
): TestCloud {
  const { state, server, network } = parts
  const call = async (path: string, { method = 'GET', token = 'member', version, body }: Call = {}) => {
    const reply = await server.inject({
      method,
      url: `/compute${path}`,
      headers: {
        ...(token !== '' && { 'x-auth-token': token }),
        ...(version && { 'openstack-api-version': `compute ${version}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { payload: JSON.stringify(body) }),
    })
    return {
      status: reply.statusCode,
      body: reply.body === '' ? undefined : reply.json(),
      headers: reply.headers,
    }
  }
  const row = async (id: string) => {
    const found = await state.find(scope, servers, id)
    if (!found) throw new Error(`no server ${id}`)
    return found
  }
  return {
    ...parts,
    call,
    row,
    create: async (changes = {}, options = {}) => {
      const body = { server: { ...minimalServer, ...changes } }
      const reply = await call('/v2.1/servers', { method: 'POST', body, ...options })
      if (reply.status !== 202)
        throw new Error(`create was answered ${reply.status} ${JSON.stringify(reply.body)}`)
      return reply.body.server.id
    },
    run: async (id) => reportRunning(state, id, (await row(id)).fence),
    finishDeletion: (id) => completeDeletion(state, id, network),
  }
}

export const minimalServer = {
  name: 'vm',
  imageRef: IMAGE_ID,
  flavorRef: 'small',
  networks: [{ uuid: NETWORK_ID }],
}

async function openState(t: TestContext, clock: Clock): Promise<State> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-compute-'))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  t.after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  return State.open({
    store,
    site: { name: 'here', code: 1 },
    clock,
    random: seededRandom('state'),
    records: [...computeRecords, fakePorts as unknown as (typeof computeRecords)[number]],
    locals: [],
    founders: quotaFounders({ isKept: async () => true }),
  })
}

async function addHosts(state: State, { hostsCount = 2, host = {} }: TestCloudOptions): Promise<void> {
  await state.transaction(async (transaction) => {
    for (let number = 1; number <= hostsCount; number++) {
      await transaction.insert(hosts, {
        name: `east-h${number}`,
        availability_zone: 'east',
        hypervisor_type: 'fake',
        hypervisor_version: 1,
        cpu_model: 'toy',
        tunnel_ip: `192.0.2.${number}`,
        vcpus: 8,
        ram_mib: 16_384,
        disk_gib: 100,
        vcpus_used: 0,
        ram_mib_used: 0,
        disk_gib_used: 0,
        servers_count: 0,
        cpu_allocation_ratio: 4,
        enabled: true,
        disabled_reason: null,
        forced_down: false,
        ...host,
      })
    }
  })
}

async function addFlavor(state: State): Promise<void> {
  await state.transaction((transaction) =>
    transaction.insert(flavors, {
      flavor_id: 'small',
      name: 'm1.small',
      description: null,
      vcpus: 1,
      ram_mib: 512,
      disk_gib: 1,
      ephemeral_gib: 0,
      swap_mib: 0,
      rxtx_factor: 1,
      is_public: true,
      extra_specs: { 'hw:x': 'y' },
      access_project_ids: [],
    }),
  )
}
