/**
 * What a guest reads about itself, as files: the OpenStack tree and the EC2 one, served at 169.254.169.254 and written
 * on the config drive (https://docs.openstack.org/nova/latest/user/metadata.html).
 */

import { createHash } from 'node:crypto'
import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'

/** Versions of the OpenStack tree: those that cloud-init and others look for. All hold the same files. */
export const OPENSTACK_VERSIONS = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  'latest',
] as const

export const EC2_VERSIONS = ['2009-04-04', 'latest'] as const

/** Contents by path; what is no file is a directory. */
export type MetadataTree = ReadonlyMap<string, string>

export function metadataTree(server: Server, ports: readonly GuestPort[]): MetadataTree {
  const files = new Map<string, string>()
  const openstack = openstackFiles(server, ports)
  for (const version of OPENSTACK_VERSIONS) {
    for (const [name, text] of openstack) files.set(`openstack/${version}/${name}`, text)
  }
  const ec2 = ec2Files(server, ports)
  for (const version of EC2_VERSIONS) {
    for (const [name, text] of ec2) files.set(`${version}/${name}`, text)
  }
  return files
}

function openstackFiles(server: Server, ports: readonly GuestPort[]): Map<string, string> {
  const keys = publicKeys(server)
  const metaData = {
    uuid: server.id,
    availability_zone: server.availability_zone,
    hostname: server.hostname,
    launch_index: server.launch_index,
    name: server.name,
    project_id: server.project_id,
    meta: server.metadata,
    devices: [],
    ...(keys
      ? { public_keys: keys, keys: Object.entries(keys).map(([name, data]) => ({ name, type: 'ssh', data })) }
      : {}),
  }
  const files = new Map([
    ['meta_data.json', JSON.stringify(metaData)],
    ['network_data.json', JSON.stringify(networkData(ports))],
    ['vendor_data.json', '{}'],
    ['vendor_data2.json', '{}'],
  ])
  if (server.user_data !== null) files.set('user_data', decodeUserData(server.user_data))
  return files
}

// The form that cloud-init's `helpers/openstack.py` reads: links are NICs, networks their addresses.
function networkData(ports: readonly GuestPort[]): object {
  return {
    links: ports.map(({ id, macAddress, mtu }) => ({
      id: linkId(id),
      vif_id: id,
      type: 'ovs',
      mtu,
      ethernet_mac_address: macAddress,
    })),
    networks: ports.flatMap(({ id, networkId, addresses }) =>
      addresses.map(({ hostRoutes, gatewayIp }, index) => ({
        id: `network${index}-${linkId(id)}`,
        type: 'ipv4_dhcp',
        link: linkId(id),
        network_id: networkId,
        routes: [
          ...(gatewayIp === null ? [] : [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: gatewayIp }]),
          ...hostRoutes.map(({ destination, nexthop }) => ({ network: destination, gateway: nexthop })),
        ],
      })),
    ),
    services: [
      ...new Set(ports.flatMap(({ addresses }) => addresses.flatMap((address) => address.dnsNameservers))),
    ].map((address) => ({ type: 'dns', address })),
  }
}

function ec2Files(server: Server, ports: readonly GuestPort[]): Map<string, string> {
  const localIp = ports[0]?.addresses[0]?.ipAddress ?? ''
  const files = new Map([
    ['meta-data/ami-id', `ami-${shortId(server.image_id)}`],
    ['meta-data/ami-launch-index', String(server.launch_index)],
    ['meta-data/ami-manifest-path', '(unknown)'],
    ['meta-data/block-device-mapping/ami', 'vda'],
    ['meta-data/block-device-mapping/root', '/dev/vda'],
    ['meta-data/hostname', server.hostname],
    ['meta-data/instance-action', 'none'],
    ['meta-data/instance-id', `i-${shortId(server.id)}`],
    ['meta-data/instance-type', server.flavor.original_name],
    ['meta-data/local-hostname', server.hostname],
    ['meta-data/local-ipv4', localIp],
    ['meta-data/placement/availability-zone', server.availability_zone],
    ['meta-data/public-hostname', server.hostname],
    ['meta-data/public-ipv4', ''],
    ['meta-data/reservation-id', server.reservation_id],
    ['meta-data/security-groups', 'default'],
  ])
  const keys = Object.entries(publicKeys(server) ?? {})
  for (const [index, [, key]] of keys.entries()) files.set(`meta-data/public-keys/${index}/openssh-key`, key)
  if (server.user_data !== null) files.set('user-data', decodeUserData(server.user_data))
  return files
}

function publicKeys({ key_name, public_key }: Server): Record<string, string> | undefined {
  return key_name !== null && public_key !== null ? { [key_name]: public_key } : undefined
}

function decodeUserData(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}

const linkId = (portId: string) => `tap${portId.slice(0, 11)}`

// EC2 ids have eight digits; Nova counts, we hash, since no counter spans all sites.
function shortId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8)
}
