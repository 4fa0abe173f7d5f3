/**
 * Tenant networks on Linux: a bridge with a tap per port, a VXLAN device that sends only where a port is known to be, a guard
 * in nftables, and a namespace with DHCP and metadata. See ../fabric.ts for what it promises.
 *
 *     guest ── at-t… ┐                                   ┌ at-n… (namespace: dnsmasq, 169.254.169.254:80)
 *     guest ── at-t… ┼── at-b… (bridge) ── at-d… ────────┘
 *                    └── at-v… (VXLAN) ══ underlay ══ other hosts
 *
 * Nothing is remembered: each call reads the host, plans, and changes the difference. What a restarted peer finds of its
 * own it knows by name and alias. The peer may itself run inside a network namespace; namespaces and files that machines
 * share by name carry a hash of the peer's state directory.
 */

import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { type Clock, Limiter, type Logger } from '@atoll/kit'
import { checkNetwork } from '../check-network.ts'
import { ProgramFailed } from '../errors.ts'
import type {
  AppliedNetwork,
  Fabric,
  FabricNetwork,
  MetadataHandler,
  NetworkId,
  PresentNetwork,
} from '../fabric.ts'
import { execute } from './execute.ts'
import { MetadataListeners } from './metadata-listener.ts'
import { type IpLink, observeNetwork, presentNetworks, readLinks, underlayMtu } from './observe.ts'
import { planNetwork, planRemoval, type Step } from './plan.ts'
import { programRunner, type RunProgram, requireHostPrograms } from './program.ts'
import { type Attach, type NamingOptions, networkNames, wantedNetwork } from './wanted.ts'

export interface LinuxFabricOptions {
  /** The peer's own directory, which must exist. Its path tells the peers of one machine apart; nothing is written there. */
  readonly stateDirectory: string
  /** This host's underlay address, to which other hosts send. */
  readonly tunnelIp: string
  /** Sends by this device, whatever the routes say. */
  readonly tunnelDevice?: string
  readonly metadata: MetadataHandler
  readonly clock: Clock
  readonly log: Logger
  /** What names of network namespaces begin with. */
  readonly namespacePrefix?: string
  /** For what lives as long as the devices do: until the machine restarts. Must be readable to all. */
  readonly runDirectory?: string
  /** `veth` wires a virtual Ethernet pair in place of each tap: tests put its other end into a namespace. */
  readonly attach?: Attach
  readonly run?: RunProgram
}

/** How many calls may wait for their turn: more than a host has networks. */
const WAITING_MAX = 4096
/** Plans per call; more failures in a row are not the host's own doing. */
const ATTEMPTS_MAX = 3

/** What tells the peers of one machine apart wherever names are shared. */
export function ownerOf(stateDirectory: string): string {
  return createHash('sha256').update(realpathSync(stateDirectory)).digest('hex').slice(0, 8)
}

export class LinuxFabric implements Fabric {
  readonly kind = 'linux'
  readonly #options: LinuxFabricOptions
  readonly #naming: NamingOptions
  readonly #run: RunProgram
  readonly #metadata: MetadataListeners
  readonly #table: string
  // One change at a time: reading and changing must not be interleaved with another change.
  readonly #turn = new Limiter({
    what: 'the network of the host',
    concurrencyMax: 1,
    waitingMax: WAITING_MAX,
  })
  #isReady = false

  constructor(options: LinuxFabricOptions) {
    const { stateDirectory, namespacePrefix = 'atoll', metadata: handler, clock, log } = options
    const owner = ownerOf(stateDirectory)
    this.#options = options
    this.#naming = { owner, namespacePrefix, runDirectory: options.runDirectory ?? `/run/atoll-${owner}` }
    this.#run = options.run ?? programRunner(clock)
    this.#metadata = new MetadataListeners({ handler, clock, log })
    this.#table = `atoll_${owner}`
  }

  apply(statement: FabricNetwork): Promise<AppliedNetwork> {
    return this.#exclusively(async () => {
      const network = checkNetwork(statement)
      this.#metadata.setCallers(network)
      return this.#converge(network.id, async () => {
        const { steps, taps } = await this.#plan(network)
        return { steps, result: { taps, changes: steps.length } }
      })
    })
  }

  /** What `apply` would do now, for operators and tests. */
  plan(statement: FabricNetwork): Promise<readonly Step[]> {
    return this.#exclusively(async () => (await this.#plan(checkNetwork(statement))).steps)
  }

  remove(networkId: NetworkId): Promise<void> {
    return this.#exclusively(async () => {
      const names = networkNames(networkId, this.#naming)
      await this.#converge(networkId, async () => {
        const links = await readLinks(this.#run)
        return {
          steps: planRemoval(names, await this.#observe(names, links), this.#table),
          result: undefined,
        }
      })
      await this.#metadata.close(networkId)
      const isLast = presentNetworks(await readLinks(this.#run), this.#naming.owner).length === 0
      if (isLast) await this.#removeShared()
    })
  }

  list(): Promise<readonly PresentNetwork[]> {
    return this.#exclusively(async () => presentNetworks(await readLinks(this.#run), this.#naming.owner))
  }

  async close(): Promise<void> {
    await this.#metadata.closeAll()
  }

  async #plan(network: FabricNetwork) {
    const { tunnelIp, tunnelDevice, attach = 'tap' } = this.#options
    const names = networkNames(network.id, this.#naming)
    const links = await readLinks(this.#run)
    const mtu = underlayMtu(links, { tunnelIp, tunnelDevice })
    const wanted = wantedNetwork(network, names, { tunnelIp, tunnelDevice, underlayMtu: mtu, attach })
    const steps = planNetwork(wanted, await this.#observe(names, links), this.#table)
    return { steps, taps: wanted.taps }
  }

  #observe(names: ReturnType<typeof networkNames>, links: readonly IpLink[]) {
    const metadataInode = this.#metadata.namespaceInode(names.alias.networkId)
    return observeNetwork({ run: this.#run, names, links, table: this.#table, metadataInode })
  }

  // The host also changes by itself (a namespace dies some time after its last process, a program of a killed peer is
  // still at work), so that a step may fail because its plan is outdated: then it is worth to look again.
  async #converge<T>(
    networkId: NetworkId,
    look: () => Promise<{ readonly steps: readonly Step[]; readonly result: T }>,
  ): Promise<T> {
    const { clock, log } = this.#options
    const names = networkNames(networkId, this.#naming)
    for (let attempt = 1; ; attempt++) {
      const { steps, result } = await look()
      if (steps.length > 0) log.info({ networkId, steps: steps.length, attempt }, 'wiring a network')
      try {
        await execute(steps, { run: this.#run, clock, names, metadata: this.#metadata })
        return result
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !ProgramFailed.is(error)) throw error
        log.warn({ networkId, err: error }, 'a step failed; looking again')
      }
    }
  }

  // The last network takes along what all of them shared.
  async #removeShared(): Promise<void> {
    const input = `table bridge ${this.#table}\ndelete table bridge ${this.#table}\n`
    await this.#run({ program: 'nft', args: ['-f', '-'], input })
    await rmdir(this.#naming.runDirectory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.run(() => {
      if (!this.#isReady) requireHostPrograms()
      this.#isReady = true
      return work()
    })
  }
}
