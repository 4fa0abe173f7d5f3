/** A whole peer in this process, reached through `inject`, with two tenants and something of every kind. */

import type { TestContext } from 'node:test'
import { type Api, type Endpoint, serverOptions } from '@atoll/http'
import { Supervisor, silentLogger } from '@atoll/kit'
import { composePeer, type Peer } from '@atoll/peer'
import type { Store } from '@atoll/rome'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { openWorld, type TestWorld } from './open-world.ts'
import { type Reply, readReply } from './reply.ts'
import { found, type Tenancy } from './tenancy.ts'

export interface Request {
  readonly method: string
  /** Path and query, prefix included. */
  readonly url: string
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Text and bytes are sent as they are. */
  readonly body?: string | Buffer | undefined
}

/** An endpoint with the API that it belongs to. */
export interface Target {
  readonly api: Api
  readonly endpoint: Endpoint
  /** `POST /network/v2.0/ports`; the paths with a project in them have a name of their own. */
  readonly name: string
}

export interface ContractPeer extends Tenancy {
  readonly peer: Peer
  readonly server: FastifyInstance
  readonly targets: readonly Target[]
  readonly bugs: TestWorld['bugs']
  /** How many requests were sent so far. */
  readonly sent: () => number
  readonly send: (request: Request) => Promise<Reply>
  /** The latest number in the feed of this site: it rises with each record that is written. */
  readonly head: () => Promise<number>
  readonly advance: TestWorld['advance']
}

const SITE = 'atlantic'

/** What is done while the peer's services run: `prepare` is for what needs them. */
type Prepare = (tenancy: Tenancy & Pick<ContractPeer, 'send'>) => Promise<void>

export async function openContractPeer(
  t: TestContext,
  prepare?: Prepare,
  store?: Store,
): Promise<ContractPeer> {
  const { world, advance, bugs, close } = await openWorld(SITE, store)
  t.after(close)
  const peer = await composePeer({
    world,
    site: { cloud: 'reef', site: SITE, code: 1, founder: SITE, contacts: [] },
    self: { addresses: [], apiUrl: 'http://atlantic' },
    adminPassword: 'admin of the reef',
  })
  t.after(() => peer.close())
  const server = Fastify({ logger: false, ...serverOptions(peer.apis, world.random) })
  t.after(() => server.close())
  await peer.register(server, {})
  let count = 0
  const send = async (request: Request): Promise<Reply> => {
    count++
    return readReply(await server.inject(injection(request)))
  }
  const tenancy = await whileRunning(peer, world, async () => {
    const made = await found(send)
    await prepare?.({ ...made, send })
    return made
  })
  return {
    ...tenancy,
    peer,
    server,
    targets: targetsOf(peer),
    bugs,
    sent: () => count,
    send,
    head: () => peer.state.feed.head(),
    advance,
  }
}

/** The services run only while guests are to start; later nothing but requests writes. */
async function whileRunning<T>(
  peer: Peer,
  { clock }: TestWorld['world'],
  work: () => Promise<T>,
): Promise<T> {
  const supervisor = new Supervisor({ clock, log: silentLogger })
  for (const service of peer.services()) supervisor.start(service)
  try {
    return await work()
  } finally {
    await supervisor.stop()
  }
}

function targetsOf(peer: Peer): readonly Target[] {
  return peer.apis.flatMap((api) =>
    api.endpoints.map((endpoint) => ({
      api,
      endpoint,
      name: `${endpoint.method} ${api.prefix}${endpoint.path}`,
    })),
  )
}

function injection({ method, url, token, headers, body }: Request): InjectOptions {
  return {
    method: method as 'GET',
    url,
    headers: {
      ...(token !== undefined && { 'x-auth-token': token }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { payload: body }),
  }
}
