/** A host's networking in memory: what is stated stands in the underlay, which other simulated hosts share. */

import { isDeepStrictEqual } from 'node:util'
import { checkNetwork } from '../check-network.ts'
import { deviceName } from '../device-name.ts'
import { DeviceNameTaken } from '../errors.ts'
import type { AppliedNetwork, Fabric, FabricNetwork, NetworkId, PortId, PresentNetwork } from '../fabric.ts'
import type { SimulatedUnderlay, TunnelIp } from './simulated-underlay.ts'

export interface SimulatedFabricOptions {
  readonly underlay: SimulatedUnderlay
  /** Names the host: a fabric with the same address finds what an earlier one left. */
  readonly tunnelIp: TunnelIp
}

export class SimulatedFabric implements Fabric {
  readonly kind = 'simulated'
  readonly #options: SimulatedFabricOptions

  constructor(options: SimulatedFabricOptions) {
    this.#options = options
  }

  async apply(statement: FabricNetwork): Promise<AppliedNetwork> {
    const network = checkNetwork(statement)
    const taps = this.#tapNames(network)
    const isUnchanged = isDeepStrictEqual(this.#networks.get(network.id), network)
    if (!isUnchanged) this.#networks.set(network.id, network)
    return { taps, changes: isUnchanged ? 0 : 1 }
  }

  async remove(networkId: NetworkId): Promise<void> {
    this.#networks.delete(networkId)
  }

  async list(): Promise<readonly PresentNetwork[]> {
    return [...this.#networks.values()]
      .map(({ id, localPorts }) => ({ networkId: id, portIds: localPorts.map((port) => port.id).sort() }))
      .sort((left, right) => (left.networkId < right.networkId ? -1 : 1))
  }

  async close(): Promise<void> {}

  get #networks(): Map<NetworkId, FabricNetwork> {
    return this.#options.underlay.host(this.#options.tunnelIp)
  }

  // Names are shared by all networks of a host, as on a real one.
  #tapNames({ id, localPorts }: FabricNetwork): ReadonlyMap<PortId, string> {
    const owners = new Map<string, string>()
    for (const other of this.#networks.values()) {
      if (other.id === id) continue
      owners.set(deviceName('bridge', other.id), `network ${other.id}`)
      for (const port of other.localPorts) owners.set(deviceName('tap', port.id), `port ${port.id}`)
    }
    const claim = (device: string, wantedFor: string) => {
      const ownedBy = owners.get(device)
      if (ownedBy !== undefined) throw DeviceNameTaken({ device, wantedFor, ownedBy })
      owners.set(device, wantedFor)
      return device
    }
    claim(deviceName('bridge', id), `network ${id}`)
    return new Map(localPorts.map((port) => [port.id, claim(deviceName('tap', port.id), `port ${port.id}`)]))
  }
}
