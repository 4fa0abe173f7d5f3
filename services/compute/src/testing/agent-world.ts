/** Simulated hosts below a compute API, with an agent that can be killed at any of its awaits and replaced by a new one. */

import type { TestContext } from 'node:test'
import { type GuestSpec, type Hypervisor, SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { type Logger, seededRandom, silentLogger } from '@atoll/kit'
import { HostAgent } from '../agent/host-agent.ts'
import type { ImagesForAgent, PortsForAgent } from '../agent/host-drivers.ts'
import { type ConfigDrives, simulatedConfigDrives } from '../agent/metadata/config-drives.ts'
import { servers } from '../records.ts'
import type { ServerRow } from '../servers/status.ts'
import { fakeNetwork } from './fake-network.ts'
import { JumpingClock } from './jumping-clock.ts'
import { Life } from './life.ts'
import { openTestCloud, scope, type TestCloud } from './test-cloud.ts'

export interface AgentWorldOptions {
  readonly hostsCount?: number
  readonly wrapHypervisor?: (hypervisor: Hypervisor) => Hypervisor
  /** Called when the ports of a server are given back, which takes its taps. */
  readonly onPortsGo?: (serverId: string) => void
}

export interface AgentWorld extends TestCloud {
  readonly clock: JumpingClock
  /** By name of the host. They outlive every agent. */
  readonly machines: ReadonlyMap<string, SimulatedMachine>
  /** What the agent is given, for a test to replace. */
  readonly images: { -readonly [K in keyof ImagesForAgent]: ImagesForAgent[K] }
  readonly ports: { -readonly [K in keyof PortsForAgent]: PortsForAgent[K] }
  /** Servers whose config drive is there. */
  readonly drives: Set<string>
  /** Starts an agent over the hosts; it lives until `life` ends, or until it is stopped. */
  startAgent(life?: Life): { readonly agent: HostAgent; readonly stop: () => Promise<void> }
  /** The server's status, as far as its record tells; undefined when it is gone. */
  stateOf(id: string): Promise<string | undefined>
  untilState(id: string, state: string | undefined, withinMs?: number): Promise<void>
  act(id: string, action: object): Promise<void>
  remove(id: string): Promise<void>
  machineOf(id: string): Promise<SimulatedMachine>
  /** Also of a server that is gone. */
  rowOf(id: string): Promise<ServerRow>
}

/** Fewer than the servers of some tests, so that what holds up others shows. */
const CONCURRENCY_MAX = 3

const BASE = { path: '/images/base', format: 'raw', virtualSizeBytes: 1024 ** 3 } as const

export async function openAgentWorld(t: TestContext, options: AgentWorldOptions = {}): Promise<AgentWorld> {
  const { hostsCount = 1, wrapHypervisor = (hypervisor) => hypervisor, onPortsGo = () => {} } = options
  const clock = new JumpingClock()
  const cloud = await openTestCloud(t, { clock, hostsCount })
  const random = seededRandom('agent world')
  const resources = { vcpus: 1000, ramMib: 1_000_000, diskBytes: 1024 ** 5 }
  const machines = new Map(
    Array.from({ length: hostsCount }, (_, index) => [
      `east-h${index + 1}`,
      new SimulatedMachine({ clock, random, resources }),
    ]),
  )
  const drives = new Set<string>()
  const parts = { clock, machines, drives, images: readyImages(), ports: readyPorts() }
  const startAgent = (life = new Life()) => {
    const abort = new AbortController()
    const agent = new HostAgent({
      state: life.wrap(cloud.state, ['transaction']),
      hosts: [...machines].map(([name, machine]) => ({
        name,
        availabilityZone: 'east',
        tunnelIp: '192.0.2.1',
        hypervisor: life.wrap(wrapHypervisor(new SimulatedHypervisor({ machine, clock })), HYPERVISOR_CALLS),
      })),
      network: {
        unbindOrDeletePorts: (transaction, ports) => {
          onPortsGo(ports.serverId)
          return fakeNetwork.unbindOrDeletePorts(transaction, ports)
        },
      },
      concurrencyMax: CONCURRENCY_MAX,
      clock,
      log: silentLogger satisfies Logger,
      // Looked up at each call, since tests replace them.
      images: life.wrap(
        { imageOf: (id) => parts.images.imageOf(id), kernelOf: (id) => parts.images.kernelOf(id) },
        ['imageOf'],
      ),
      ports: life.wrap(
        {
          portsOf: (id, portIds) => parts.ports.portsOf(id, portIds),
          serverOf: (id) => parts.ports.serverOf(id),
          tapOf: (id) => parts.ports.tapOf(id),
        },
        ['portsOf', 'tapOf'],
      ),
      configDrives: life.wrap(watchedDrives(drives), ['make', 'remove']),
    })
    const running = agent.run(abort.signal)
    const stop = async () => {
      abort.abort()
      if (!life.isOver) await running
    }
    t.after(stop)
    return { agent, stop }
  }
  return { ...cloud, ...parts, startAgent, ...views(cloud, parts) }
}

const HYPERVISOR_CALLS = ['describe', 'list', 'get', 'specOf', 'start', 'stop', 'reboot', 'destroy'] as const

function views(cloud: TestCloud, { clock, machines }: Pick<AgentWorld, 'clock' | 'machines'>) {
  const rowOf = async (id: string) => {
    const row = await cloud.state
      .selectWithTombstones(scope, servers)
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row) throw new Error(`no server ${id}`)
    return row
  }
  const stateOf = async (id: string) => {
    const { deleted_at, vm_state, task_state } = await rowOf(id)
    if (deleted_at !== null) return undefined
    return task_state === null ? vm_state : `${vm_state} ${task_state}`
  }
  const act = async (id: string, body: object) => {
    const reply = await cloud.call(`/v2.1/servers/${id}/action`, { method: 'POST', body })
    if (reply.status !== 202) throw new Error(`${JSON.stringify(body)}: ${JSON.stringify(reply.body)}`)
  }
  return {
    rowOf,
    stateOf,
    act,
    untilState: (id: string, wanted: string | undefined, withinMs?: number) =>
      clock.until(`${id} is ${wanted}`, async () => (await stateOf(id)) === wanted, withinMs),
    remove: async (id: string) => {
      const reply = await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
      if (reply.status !== 204) throw new Error(`delete was answered ${reply.status}`)
    },
    machineOf: async (id: string) => {
      const machine = machines.get((await rowOf(id)).host)
      if (!machine) throw new Error(`no host of ${id}`)
      return machine
    },
  }
}

function readyImages(): ImagesForAgent {
  return { imageOf: async () => BASE, kernelOf: async () => undefined }
}

function readyPorts(): PortsForAgent {
  return {
    portsOf: async (_serverId, portIds) =>
      portIds.map((id) => ({
        id,
        networkId: 'n',
        macAddress: 'fa:16:3e:00:00:07',
        mtu: 1400,
        addresses: [],
      })),
    serverOf: async () => undefined,
    tapOf: async (portId) => `tap${portId.slice(0, 8)}`,
  }
}

function watchedDrives(present: Set<string>): ConfigDrives {
  const simulated = simulatedConfigDrives()
  return {
    make: async (serverId, files) => {
      present.add(serverId)
      return simulated.make(serverId, files)
    },
    remove: async (serverId) => void present.delete(serverId),
  }
}

/** A specification of a guest that no server asked for. */
export function foreignSpec(id: string): GuestSpec {
  return {
    id,
    name: 'foreign',
    fence: 1,
    vcpus: 1,
    ramMib: 64,
    rootDisk: { basePath: BASE.path, baseFormat: BASE.format, sizeBytes: BASE.virtualSizeBytes },
    interfaces: [],
  }
}
