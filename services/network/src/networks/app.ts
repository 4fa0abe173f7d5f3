/** What is done with networks. */

import { cloudScope, endNumbers, releaseNumbers, type StateTransaction, takeNumber } from '@atoll/state'
import type { Static } from 'typebox'
import { addressesOf, subnetsOf } from '../addressing/addresses.ts'
import { InvalidSharedSetting, NetworkInUse } from '../errors.ts'
import { DHCP_OWNER, networks, ports, subnets } from '../records.ts'
import { ownerOf } from '../resource/parse-body.ts'
import type { Actor } from '../resource/resource.ts'
import { removeDhcpPort } from '../subnets/dhcp-port.ts'
import type { CreateNetwork, UpdateNetwork } from './schema.ts'
import type { Network } from './view.ts'

export interface NetworkOptions {
  /** Names the numbered resource out of which each network takes its VXLAN network identifier. */
  readonly vnis: string
  /** Bytes that fit into one frame of the underlay, VXLAN's own 50 taken off. */
  readonly mtu: number
}

const scope = cloudScope('who uses a network')

export async function createNetwork(
  transaction: StateTransaction,
  actor: Actor,
  { body, vnis, mtu }: NetworkOptions & { readonly body: Static<typeof CreateNetwork> },
): Promise<Network> {
  const project_id = ownerOf(actor, body)
  if (body.shared) actor.authorize('create_network:shared')
  if (body['router:external']) actor.authorize('create_network:router:external')
  const id = transaction.mintId<'network'>()
  return transaction.insert(networks, {
    id,
    project_id,
    name: body.name ?? '',
    description: body.description ?? '',
    admin_state_up: body.admin_state_up ?? true,
    shared: body.shared ?? false,
    is_external: body['router:external'] ?? false,
    mtu: body.mtu ?? mtu,
    vni: await takeNumber(transaction, { resource: vnis, holder: id }),
    port_security_enabled: body.port_security_enabled ?? true,
    tags: [],
  })
}

export async function updateNetwork(
  transaction: StateTransaction,
  actor: Actor,
  network: Network,
  body: Static<typeof UpdateNetwork>,
): Promise<Network> {
  const { 'router:external': is_external, shared, ...rest } = body
  if (is_external !== undefined) actor.authorize('update_network:router:external')
  if (shared !== undefined && shared !== network.shared) {
    actor.authorize('update_network:shared')
    await share(transaction, network, shared)
  }
  return transaction.update(networks, network.id, {
    ...rest,
    ...(shared !== undefined && { shared }),
    ...(is_external !== undefined && { is_external }),
  })
}

/** Takes its subnets and its DHCP port with it. @throws NetworkInUse */
export async function removeNetwork(transaction: StateTransaction, network: Network): Promise<void> {
  const user = await transaction
    .select(scope, ports)
    .select('id')
    .where('network_id', '=', network.id)
    .where('device_owner', '!=', DHCP_OWNER)
    .executeTakeFirst()
  if (user) throw NetworkInUse({ id: network.id })
  await removeDhcpPort(transaction, network.id)
  for (const subnet of await subnetsOf(transaction, network.id)) {
    await endNumbers(transaction, addressesOf(subnet.id))
    await transaction.remove(subnets, subnet.id)
  }
  await releaseNumbers(transaction, network.id)
  await transaction.remove(networks, network.id)
}

// Who sees a network sees its subnets; nobody loses a network that still has a port of theirs.
async function share(transaction: StateTransaction, network: Network, shared: boolean): Promise<void> {
  if (!shared) {
    const guest = await transaction
      .select(scope, ports)
      .select('id')
      .where('network_id', '=', network.id)
      .where('project_id', '!=', network.project_id)
      .executeTakeFirst()
    if (guest) throw InvalidSharedSetting({ network: network.name })
  }
  for (const { id } of await subnetsOf(transaction, network.id)) {
    await transaction.update(subnets, id, { shared })
  }
}
