/** A server as Nova shows it, version by version (nova/api/openstack/compute/views/servers.py). */

import { hash } from 'node:crypto'
import type { ComputeDependencies } from '../dependencies.ts'
import type { HostInventory } from '../hosts/host-inventory.ts'
import { bookmarkOf, linksOf } from '../links.ts'
import type { NetworkInterface } from '../network-for-compute.ts'
import type { RequestContext } from '../request-context.ts'
import { isoTime, naiveTime } from '../times.ts'
import { isSince } from '../versions.ts'
import { type ServerRow, type ServerStatus, statusOf } from './status.ts'

/** What a view needs beside the record, gathered for a whole page at once. */
export interface ServerSurroundings {
  readonly interfaces: ReadonlyMap<string, readonly NetworkInterface[]>
  readonly inventory: HostInventory
  readonly freshness: ComputeDependencies['freshness']
}

export function serverSummary(context: RequestContext, { id, name }: ServerRow) {
  return { id, name, links: linksOf(context, 'servers', id) }
}

export function createdView(context: RequestContext, server: ServerRow) {
  return {
    id: server.id,
    links: linksOf(context, 'servers', server.id),
    'OS-DCF:diskConfig': server.disk_config,
    security_groups: securityGroups(server),
  }
}

/** All of it: what show and detail answer, and since 2.75 an update too. */
export function serverDetail(context: RequestContext, server: ServerRow, around: ServerSurroundings) {
  const isReachable = server.deleted_at !== null || around.freshness.isReachable(server)
  return {
    ...serverView(context, server, around),
    'OS-EXT-AZ:availability_zone': server.availability_zone,
    config_drive: server.has_config_drive ? 'True' : '',
    key_name: server.key_name,
    'OS-SRV-USG:launched_at': naiveTime(server.launched_at),
    'OS-SRV-USG:terminated_at': naiveTime(server.deleted_at),
    security_groups: securityGroups(server),
    'OS-EXT-STS:task_state': server.task_state,
    'OS-EXT-STS:vm_state': server.vm_state,
    'OS-EXT-STS:power_state': isReachable ? server.power_state : 0,
    'os-extended-volumes:volumes_attached': [],
    ...extendedAttributes(context, server),
    ...hostStatus(context, server, around),
  }
}

/** The part that an update answers before 2.75. */
export function serverView(context: RequestContext, server: ServerRow, around: ServerSurroundings) {
  const status = statusOf(server, around.freshness)
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.project_id ?? '',
    user_id: server.user_id,
    metadata: server.metadata,
    hostId: hostIdOf(server),
    image: server.image_id && {
      id: server.image_id,
      links: bookmarkOf(context, 'images', server.image_id),
    },
    flavor: flavorView(context, server),
    created: isoTime(server.created_at),
    updated: isoTime(server.updated_at ?? server.created_at),
    addresses: server.vm_state === 'building' ? {} : addressesOf(around.interfaces.get(server.id) ?? []),
    accessIPv4: server.access_ip_v4,
    accessIPv6: server.access_ip_v6,
    links: linksOf(context, 'servers', server.id),
    'OS-DCF:diskConfig': server.disk_config,
    ...(hasProgress(status) && { progress: 0 }),
    ...faultView(context, server, status),
    ...(isSince(context, '2.9') && { locked: false }),
    ...(isSince(context, '2.19') && { description: server.description }),
    ...(isSince(context, '2.26') && { tags: server.tags }),
    ...(isSince(context, '2.63') && { trusted_image_certificates: null }),
    ...(isSince(context, '2.73') && { locked_reason: null }),
  }
}

/** Since 2.71 what is answered for one server says which groups it is in; there are none. */
export function serverGroups(context: RequestContext) {
  return isSince(context, '2.71') ? { server_groups: [] } : {}
}

/** Names the host without telling which it is: equal for servers of one project on one host. */
export function hostIdOf({ host, project_id }: ServerRow): string {
  return host === '' ? '' : hash('sha224', `${project_id}${host}`)
}

/** By the name of the network. */
export function addressesOf(interfaces: readonly NetworkInterface[]): Record<string, object[]> {
  const addresses = new Map<string, object[]>()
  for (const { networkName, macAddress, fixedIps } of interfaces) {
    const shown = fixedIps.map(({ ip_address }) => ({
      version: ip_address.includes(':') ? 6 : 4,
      addr: ip_address,
      'OS-EXT-IPS:type': 'fixed',
      'OS-EXT-IPS-MAC:mac_addr': macAddress,
    }))
    addresses.set(networkName, [...(addresses.get(networkName) ?? []), ...shown])
  }
  return Object.fromEntries(addresses)
}

function securityGroups({ security_groups }: ServerRow) {
  return security_groups.map((name) => ({ name }))
}

function flavorView(context: RequestContext, { flavor }: ServerRow): object {
  if (!isSince(context, '2.47')) return { id: flavor.id, links: bookmarkOf(context, 'flavors', flavor.id) }
  const { id: _, extra_specs, ...shown } = flavor
  const showsExtraSpecs = context.allows('os_compute_api:servers:show:flavor-extra-specs')
  return { ...shown, ...(showsExtraSpecs && { extra_specs }) }
}

function hasProgress(status: ServerStatus): boolean {
  return status === 'ACTIVE' || status === 'BUILD'
}

function faultView(context: RequestContext, { fault }: ServerRow, status: ServerStatus): object {
  if (!fault || (status !== 'ERROR' && status !== 'DELETED')) return {}
  const details = context.allows('os_compute_api:os-extended-server-attributes') && { details: fault.message }
  return {
    fault: { code: fault.code, message: fault.message, created: isoTime(fault.created_ms), ...details },
  }
}

function extendedAttributes(context: RequestContext, server: ServerRow): object {
  if (!context.allows('os_compute_api:os-extended-server-attributes')) return {}
  const prefix = 'OS-EXT-SRV-ATTR:'
  const host = server.host || null
  return {
    [`${prefix}host`]: host,
    [`${prefix}hypervisor_hostname`]: host,
    [`${prefix}instance_name`]: `instance-${server.id.slice(0, 8)}`,
    ...(isSince(context, '2.3') && {
      [`${prefix}hostname`]: server.hostname,
      [`${prefix}reservation_id`]: server.reservation_id,
      [`${prefix}launch_index`]: server.launch_index,
      [`${prefix}kernel_id`]: '',
      [`${prefix}ramdisk_id`]: '',
      [`${prefix}root_device_name`]: '/dev/vda',
      [`${prefix}user_data`]: server.user_data,
    }),
  }
}

function hostStatus(context: RequestContext, server: ServerRow, around: ServerSurroundings): object {
  if (!isSince(context, '2.16') || !context.allows('os_compute_api:servers:show:host_status')) return {}
  const host = server.host === '' ? undefined : around.inventory.findByName(server.host)
  if (!host) return { host_status: server.host === '' ? '' : 'UNKNOWN' }
  if (host.forced_down) return { host_status: 'DOWN' }
  if (!host.enabled) return { host_status: 'MAINTENANCE' }
  return { host_status: around.freshness.isReachable(host) ? 'UP' : 'UNKNOWN' }
}
