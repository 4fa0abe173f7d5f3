/** A site of several peers in one process: each the production composition, over one store and the same hosts. */

import { simulatedConfigDrives } from '@atoll/compute'
import { SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import { SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createTestPasswords, DEFAULT_DOMAIN_ID } from '@atoll/identity'
import { ImageStore, MemoryFiles } from '@atoll/images'
import { type Clock, Supervisor, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { type KeyRing, type MockNetwork, SiteSigner } from '@atoll/overlay'
import { composePeer, type Peer } from '@atoll/peer'
import type { Store } from '@atoll/rome'
import { Life } from '@atoll/simulator'
import Fastify, { type FastifyInstance, type FastifyRequest, type InjectOptions } from 'fastify'

export const PASSWORD = 'reef'

/** The machine's clock, faster: what waits for silence needs not wait long. */
export function fastClock(factor: number): Clock {
  const startMs = systemClock.nowMs()
  const elapsedMs = () => systemClock.monotonicMs() * factor
  return {
    nowMs: () => startMs + elapsedMs(),
    monotonicMs: elapsedMs,
    after: (delayMs, action) => systemClock.after(delayMs / factor, action),
  }
}

export interface SharedSiteOptions {
  readonly name: string
  readonly code: number
  /** Each call opens the store that all peers share, for one of them. */
  readonly openStore: () => Promise<Store> | Store
  readonly network: MockNetwork
  readonly clock: Clock
  readonly hosts: number
  readonly resources: { readonly vcpus: number; readonly ramMib: number; readonly diskBytes: number }
  readonly founder?: string
  readonly after: (cleanUp: () => Promise<void>) => void
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of every shape and fails where they differ.
  readonly body: any
  readonly bytes: Buffer
}

export interface RunningPeer {
  readonly name: string
  readonly peer: Peer
  /** The bytes that lie at this peer. */
  readonly images: ImageStore
  /** As kill -9: nothing that it does counts any more, and whoever waits for an answer hears undefined. */
  kill(): void
  /** Undefined when it dies before it answers. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object | Buffer,
  ): Promise<Answer | undefined>
}

export class SharedSite {
  readonly machines: readonly SimulatedMachine[]
  readonly #options: SharedSiteOptions
  readonly #underlay = new SimulatedUnderlay()
  readonly #signingKey = SiteSigner.generate().privateKey

  constructor(options: SharedSiteOptions) {
    this.#options = options
    const { hosts, clock, resources, name } = options
    const random = seededRandom(`machines of ${name}`)
    this.machines = Array.from(
      { length: hosts },
      () => new SimulatedMachine({ clock, random, resources, bootMs: 100 }),
    )
  }

  async start(name: string): Promise<RunningPeer> {
    const { network, code, name: siteName, founder = siteName, after } = this.#options
    const life = new Life()
    const clock = life.clock(this.#options.clock)
    const random = seededRandom(`${siteName} ${name}`)
    const store = await this.#options.openStore()
    const files = new MemoryFiles({ clock })
    const images = await ImageStore.open({ path: '/images', files, clock })
    const identity = { cloud: 'reef', site: siteName, peer: name }
    const addresses = [{ host: `${name}.${siteName}`, port: 1 }]
    const peer = await composePeer({
      isShared: true,
      world: {
        clock,
        random,
        log: silentLogger,
        store: life.wrap(store),
        files,
        keys: () => ({ cloudAuthority: { certificate: '' }, signingKey: this.#signingKey }) as KeyRing,
        transport: life.wrap(network.connect(identity)),
        signatures: (isRevoked) => network.authority.issue({ site: siteName, isRevoked }),
        images,
        passwords: createTestPasswords({ random }),
        hosts: this.machines.map((machine, index) => this.#host(life, clock, machine, index)),
        directories: { images: '/cache' },
        configDrives: simulatedConfigDrives(),
      },
      site: {
        cloud: 'reef',
        site: siteName,
        code,
        founder,
        contacts: founder === siteName ? [] : [{ name: founder, addresses: [{ host: founder, port: 1 }] }],
      },
      self: { name, addresses, apiUrl: `http://${name}.${siteName}` },
      ...(founder === siteName ? { adminPassword: PASSWORD } : {}),
    })
    const [clients, peers] = [Fastify({ bodyLimit: 2 ** 24 }), Fastify()]
    await peer.register(clients, {})
    await peer.register(peers, { peerOf })
    const stopListening = network.listen(identity, async (from, { method, path, headers, body }) => {
      const sender = { 'test-site': from.site, 'test-peer': from.peer }
      const reply = await peers.inject({
        method: method as 'GET',
        url: path,
        headers: { ...headers, ...sender } as Record<string, string>,
        ...(body.length > 0 ? { payload: body } : {}),
      })
      return {
        status: reply.statusCode,
        headers: reply.headers as Record<string, string>,
        body: reply.rawPayload,
      }
    })
    const supervisor = new Supervisor({ clock, log: silentLogger })
    for (const service of peer.services()) supervisor.start(service)
    const kill = () => {
      stopListening()
      life.end()
    }
    after(async () => {
      const stopped = supervisor.stop()
      if (!life.isOver) await stopped
      kill()
      await store.close()
    })
    return { name, peer, images, kill, call: clientOf(clients, life) }
  }

  #host(life: Life, clock: Clock, machine: SimulatedMachine, index: number) {
    const tunnelIp = `198.18.${this.#options.code}.${index + 1}`
    return {
      name: `host-${index + 1}`,
      tunnelIp,
      hypervisor: life.wrap(new SimulatedHypervisor({ machine, clock })),
      makeFabric: () => life.wrap(new SimulatedFabric({ underlay: this.#underlay, tunnelIp })),
    }
  }
}

function peerOf({ headers }: FastifyRequest): { readonly site: string } {
  return { site: String(headers['test-site']) }
}

/** A client of one peer that logs in as the administrator when it must. */
function clientOf(server: FastifyInstance, life: Life): RunningPeer['call'] {
  let token: Promise<string> | undefined
  const send = async (options: InjectOptions): Promise<Answer | undefined> => {
    const reply = await life.answer(Promise.resolve(server.inject(options)))
    if (!reply) return undefined
    const { statusCode: status, headers, rawPayload: bytes } = reply
    const isJson = String(headers['content-type']).startsWith('application/json') && bytes.length > 0
    return { status, headers, bytes, body: isJson ? JSON.parse(bytes.toString()) : undefined }
  }
  const logIn = async () => {
    const domain = { id: DEFAULT_DOMAIN_ID }
    const auth = {
      identity: { methods: ['password'], password: { user: { name: 'admin', domain, password: PASSWORD } } },
      scope: { project: { name: 'admin', domain } },
    }
    const reply = await send({ method: 'POST', url: '/identity/v3/auth/tokens', payload: { auth } })
    return String(reply?.headers['x-subject-token'])
  }
  return async (method, url, payload) => {
    token ??= logIn()
    const isBytes = payload instanceof Buffer
    const headers = {
      'x-auth-token': await token,
      'openstack-api-version': 'compute 2.53',
      ...(isBytes ? { 'content-type': 'application/octet-stream' } : {}),
    }
    return send({ method, url, headers, ...(payload ? { payload } : {}) })
  }
}
