/**
 * One site: what outlives its peer (disk, image files, machines and their wires) and the peer itself, the production
 * composition, which may die and be composed anew at any event.
 */

import { simulatedConfigDrives } from '@atoll/compute'
import { SimulatedFabric, type SimulatedUnderlay } from '@atoll/fabric'
import { SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createTestPasswords } from '@atoll/identity'
import { ImageStore, MemoryFiles } from '@atoll/images'
import { type Random, Supervisor, silentLogger } from '@atoll/kit'
import type { KeyRing, MockNetwork, MockRequest, MockResponse, PeerTransport } from '@atoll/overlay'
import { composePeer, type Peer, type World, type WorldHost } from '@atoll/peer'
import { Life, type Simulation } from '@atoll/simulator'
import Fastify, { type FastifyInstance, type FastifyRequest, type InjectOptions } from 'fastify'
import type { Plant } from '../plants.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { simulatedKeys } from './simulated-keys.ts'

export const ADMIN_PASSWORD = 'admin of the reef'

/** Small, so that hosts are full now and then. */
const HOST = { vcpus: 2, ramMib: 6144, diskBytes: 40 * 1024 ** 3 }

/** A guest that does not hear its power button yet holds its host up for a minute, in which little else happens. */
const QUICK_GUESTS = { bootMs: 400, shutdownMs: 200 }

export interface SimulatedSiteOptions {
  readonly simulation: Simulation
  readonly network: MockNetwork
  readonly underlay: SimulatedUnderlay
  readonly name: string
  /** 1 for the founder, and so on. */
  readonly code: number
  readonly founder: string
  readonly hosts: number
  /** Where the files of the run are. */
  readonly directory: string
  readonly closeSitesMax?: number | undefined
  readonly plant?: Plant
  /** Told whenever this site has answered another one. */
  readonly onAnswer: (asking: string, answering: string) => void
  /** Told whenever this site asks another one, whether that is there or not. */
  readonly onAsk: (asking: string, answering: string, path: string) => void
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

interface Running {
  readonly life: Life
  readonly peer: Peer
  readonly clients: FastifyInstance
  readonly hypervisors: readonly SimulatedHypervisor[]
  readonly stopListening: () => void
}

export class SimulatedSite {
  readonly name: string
  /** Goes into the ids that are minted here. */
  readonly code: number
  readonly machines: readonly SimulatedMachine[]
  readonly disk: SimulatedDisk
  readonly #options: SimulatedSiteOptions
  readonly #files: MemoryFiles
  readonly #keys: KeyRing
  readonly #random: Random
  /** Ends with the process, so that one that dies while it starts is dead, too. */
  #life = new Life()
  #running: Running | undefined

  constructor(options: SimulatedSiteOptions) {
    const { simulation, name, code, hosts, founder, directory } = options
    const { clock } = simulation
    this.#options = options
    this.name = name
    this.code = code
    this.#random = simulation.random(`peer of ${name}`)
    this.#keys = simulatedKeys(simulation.random(`keys of ${name}`), { isFounder: name === founder })
    const disk = { path: `${directory}/${name}.sqlite`, clock, random: simulation.random(`disk of ${name}`) }
    this.disk = options.plant?.openDisk?.(disk) ?? new SimulatedDisk(disk)
    this.#files = new MemoryFiles({ clock })
    const random = simulation.random(`machines of ${name}`)
    this.machines = Array.from(
      { length: hosts },
      () => new SimulatedMachine({ clock, random, resources: HOST, ...QUICK_GUESTS }),
    )
  }

  get isUp(): boolean {
    return this.#running !== undefined
  }

  get peer(): Peer | undefined {
    return this.#running?.peer
  }

  tunnelIp(host: number): string {
    return `198.18.${this.#options.code}.${host + 1}`
  }

  /** Composes a peer over what there is, and runs it. */
  async start(): Promise<void> {
    const { simulation, network, name } = this.#options
    const life = new Life()
    this.#life.end()
    this.#life = life
    simulation.note(`${name} starts`)
    const running = await life.answer(this.#compose(life))
    if (!running) return
    const identity = { cloud: 'reef', site: name, peer: 'peer-1' }
    const stopListening = network.listen(identity, (from, request) =>
      this.#answerPeer(running, from.site, request),
    )
    this.#running = { ...running, stopListening }
    const supervisor = new Supervisor({ clock: life.clock(simulation.clock), log: silentLogger })
    for (const service of running.peer.services()) supervisor.start(service)
    simulation.note(`${name} is up`)
  }

  /** The process dies at once. Its machines run on. */
  crash(): void {
    this.#options.simulation.note(`${this.name} crashes`)
    this.#life.end()
    this.#running?.stopListening()
    for (const hypervisor of this.#running?.hypervisors ?? []) void hypervisor.close()
    this.#running = undefined
    if (this.disk.exists) this.disk.crash()
  }

  /** The power of the whole site goes: process, guests and what was not synced. */
  losePower(): void {
    this.crash()
    this.#options.simulation.note(`${this.name} loses power`)
    this.#files.losePower()
    for (const [host, machine] of this.machines.entries()) {
      machine.losePower()
      this.#options.underlay.powerOff(this.tunnelIp(host))
    }
  }

  /** As its operator: see `Federation.sleep`. Undefined when the peer dies first or is not there. */
  async sleep(): Promise<readonly string[] | undefined> {
    if (!this.#running) return undefined
    const { life, peer } = this.#running
    return life.answer(peer.federation.sleep())
  }

  /** As its operator: see `Federation.wake`. False when the peer dies first or is not there. */
  async wake(): Promise<boolean> {
    if (!this.#running) return false
    const { life, peer } = this.#running
    return (await life.answer(peer.federation.wake().then(() => true))) ?? false
  }

  /** As its operator: see `Federation.retireSite`. Answers with the heir; undefined when the peer dies first or is not there. */
  async retire(site: string): Promise<string | undefined> {
    if (!this.#running) return undefined
    const { life, peer } = this.#running
    return (await life.answer(peer.federation.retireSite({ site, reason: 'lost at sea' })))?.heir
  }

  /** A client's request; undefined when the connection is lost before there is an answer. */
  async request(options: InjectOptions): Promise<Answer | undefined> {
    if (!this.#running) return undefined
    const { life, clients } = this.#running
    return life.answer(inject(clients, options))
  }

  async #compose(life: Life): Promise<Omit<Running, 'stopListening'>> {
    const { name, code, founder, closeSitesMax, plant } = this.#options
    const hypervisors: SimulatedHypervisor[] = []
    const world = await this.#openWorld(life, hypervisors)
    const isFounder = name === founder
    const peer = await composePeer({
      world,
      site: {
        cloud: 'reef',
        site: name,
        code,
        founder,
        contacts: isFounder ? [] : [{ name: founder, addresses: addressesOf(founder) }],
      },
      self: { addresses: addressesOf(name), apiUrl: `http://${name}` },
      ...(isFounder ? { adminPassword: ADMIN_PASSWORD } : {}),
      ...(closeSitesMax === undefined ? {} : { closeSitesMax }),
    })
    plant?.alter?.(peer, { clock: world.clock, random: world.random })
    // One server for clients and peers: who connects is told by the address, which only the simulation sets.
    const clients = Fastify({ pluginTimeout: 0, trustProxy: true })
    await peer.register(clients, { peerOf })
    await clients.ready()
    return { life, peer, clients, hypervisors }
  }

  async #openWorld(life: Life, hypervisors: SimulatedHypervisor[]): Promise<World> {
    const { simulation, network, name, plant } = this.#options
    const clock = life.clock(simulation.clock)
    const random = this.#random
    const files = life.wrap(this.#files)
    const transport = this.#noted(network.connect({ cloud: 'reef', site: name, peer: 'peer-1' }))
    return {
      clock,
      random,
      log: silentLogger,
      store: this.disk.open(life),
      keys: () => this.#keys,
      signatures: (isRevoked) => network.authority.issue({ site: name, isRevoked }),
      transport: life.wrap(plant?.wrapTransport?.(transport, { clock, random }) ?? transport),
      images: await ImageStore.open({ path: '/images', files, clock }),
      files,
      passwords: createTestPasswords({ random }),
      hosts: this.machines.map((machine, index) => this.#openHost(life, machine, index, hypervisors)),
      directories: { images: '/cache' },
      configDrives: simulatedConfigDrives(),
    }
  }

  #noted(transport: PeerTransport): PeerTransport {
    const { name, onAsk } = this.#options
    return {
      request: (request) => {
        onAsk(name, request.site, request.path)
        return transport.request(request)
      },
      roundTripMs: (site) => transport.roundTripMs(site),
      timeoutFor: (site, workMs) => transport.timeoutFor(site, workMs),
      close: () => transport.close(),
    }
  }

  #openHost(
    life: Life,
    machine: SimulatedMachine,
    index: number,
    hypervisors: SimulatedHypervisor[],
  ): WorldHost {
    const { simulation, underlay, name } = this.#options
    const tunnelIp = this.tunnelIp(index)
    const hypervisor = new SimulatedHypervisor({ machine, clock: life.clock(simulation.clock) })
    hypervisors.push(hypervisor)
    return {
      name: `${name}-host-${index + 1}`,
      tunnelIp,
      hypervisor: life.wrap(hypervisor),
      makeFabric: () => life.wrap(new SimulatedFabric({ underlay, tunnelIp })),
    }
  }

  async #answerPeer(
    { life, clients }: Omit<Running, 'stopListening'>,
    from: string,
    { method, path, headers, body }: MockRequest,
  ): Promise<MockResponse> {
    const { simulation, name, onAnswer } = this.#options
    simulation.note(`${from} → ${name} ${method} ${path}`, body)
    const answer = await life.answer(
      inject(clients, {
        method: method as 'GET',
        url: path,
        headers: headers as Record<string, string>,
        remoteAddress: `${PEER}${from}`,
        ...(body.length > 0 ? { payload: body } : {}),
      }),
    )
    // Nobody hears of this one: the network finds that the peer has gone.
    if (!answer) return { status: 500 }
    simulation.note(`${from} ← ${name} ${answer.status} ${method} ${path}`, answer.body)
    onAnswer(from, name)
    return { ...answer, headers: answer.headers as Record<string, string> }
  }
}

const PEER = 'peer of '

function peerOf(request: FastifyRequest): { readonly site: string } | undefined {
  const address = request.socket.remoteAddress ?? ''
  return address.startsWith(PEER) ? { site: address.slice(PEER.length) } : undefined
}

async function inject(server: FastifyInstance, options: InjectOptions): Promise<Answer> {
  const { statusCode, headers, rawPayload } = await server.inject(options)
  return { status: statusCode, headers, body: rawPayload }
}

const addressesOf = (site: string) => [{ host: site, port: 1 }]
