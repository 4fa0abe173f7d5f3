/** The agents of this peer's hosts, connected to the services beside them. */

import { createMetadataService, HostAgent, hosts as hostRecords, servers } from '@atoll/compute'
import type { Fabric } from '@atoll/fabric'
import type { Service } from '@atoll/kit'
import { createNetworkAgent } from '@atoll/network'
import { cloudScope, type State } from '@atoll/state'
import type { ComposeOptions } from './compose.ts'
import { hostNameOf } from './host-name.ts'
import { imagesForAgent, networkForCompute, portsForAgent } from './neighbours.ts'
import type { SitePeers } from './site-peers.ts'

const wiring = cloudScope('wiring of ports')

export function composeHosts(
  { site, world }: ComposeOptions,
  { state, peers, cache }: { state: State; peers: SitePeers; cache: Parameters<typeof imagesForAgent>[0] },
) {
  const { clock, log } = world
  const { ownership } = peers
  const metadata = createMetadataService({
    state,
    ports: { portsOf: (...args) => ports.portsOf(...args), serverOf: (id) => ports.serverOf(id) },
    log,
  })
  const makers = new Map(world.hosts.map(({ name, makeFabric }) => [hostNameOf(site, name), makeFabric]))
  const fabrics = new Map<string, Fabric>()
  const serve = (hostName: string) => {
    const fabric = makers.get(hostName)?.(metadata)
    if (fabric) fabrics.set(hostName, fabric)
  }
  for (const hostName of makers.keys()) if (ownership.isOwn(hostName)) serve(hostName)
  const networkAgent = createNetworkAgent({
    state,
    fabrics,
    confirm: (transaction, hostName) => ownership.confirm(transaction, hostName),
    clock,
    log,
    tunnelIpOf: (hostName) => tunnelIpOf(state, hostName),
    hostnameOf: async (serverId) => (await state.find(wiring, servers, serverId))?.hostname,
  })
  const stopListening = ownership.onChange(async (hostName, isOwn) => {
    const former = fabrics.get(hostName)
    fabrics.delete(hostName)
    await former?.close()
    if (isOwn) serve(hostName)
    networkAgent.refresh()
  })
  const ports = portsForAgent(state, networkAgent)
  const agent = new HostAgent({
    state,
    clock,
    log,
    hosts: world.hosts.map(({ name, tunnelIp, hypervisor, capacity }) => ({
      name: hostNameOf(site, name),
      availabilityZone: site.site,
      tunnelIp,
      hypervisor,
      ...(capacity ? { capacity } : {}),
    })),
    ownership,
    network: networkForCompute,
    ports,
    images: imagesForAgent(cache),
    configDrives: world.configDrives,
  })
  const services: readonly Service[] = world.hosts.length > 0 ? [networkAgent.service, agent] : []
  return {
    agent,
    services,
    close: async () => {
      stopListening()
      await Promise.all([...fabrics.values()].map((fabric) => fabric.close()))
    },
  }
}

async function tunnelIpOf(state: State, hostName: string): Promise<string | undefined> {
  const host = await state
    .select(wiring, hostRecords)
    .select('tunnel_ip')
    .where('name', '=', hostName)
    .executeTakeFirst()
  return host?.tunnel_ip
}
