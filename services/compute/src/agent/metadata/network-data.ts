/** `network_data.json`: the guest's NICs and addresses, in the form that cloud-init's `helpers/openstack.py` reads. */

import type { GuestAddress, GuestPort } from '../host-drivers.ts'

export function networkData(ports: readonly GuestPort[]): object {
  const nameservers = ports.flatMap(({ addresses }) =>
    addresses.flatMap(({ dnsNameservers }) => dnsNameservers),
  )
  return {
    links: ports.map(({ id, macAddress, mtu }) => ({
      id: linkId(id),
      vif_id: id,
      type: 'bridge',
      mtu,
      ethernet_mac_address: macAddress,
    })),
    networks: ports.flatMap((port) =>
      port.addresses.map((address, index) => ({
        id: `network${index}-${linkId(port.id)}`,
        link: linkId(port.id),
        network_id: port.networkId,
        ...addressing(address),
      })),
    ),
    services: [...new Set(nameservers)].map((address) => ({ type: 'dns', address })),
  }
}

// Where DHCP answers, it tells the rest; where it does not, the guest has nobody else to ask.
function addressing({ ipAddress, cidr, hasDhcp, gatewayIp, hostRoutes, dnsNameservers }: GuestAddress) {
  if (hasDhcp) return { type: 'ipv4_dhcp' }
  const gateway = gatewayIp === null ? [] : [{ destination: '0.0.0.0/0', nexthop: gatewayIp }]
  return {
    type: 'ipv4',
    ip_address: ipAddress,
    netmask: networkAndMask(cidr).netmask,
    routes: [...gateway, ...hostRoutes].map(({ destination, nexthop }) => ({
      ...networkAndMask(destination),
      gateway: nexthop,
    })),
    services: dnsNameservers.map((address) => ({ type: 'dns', address })),
  }
}

function networkAndMask(cidr: string): { network: string; netmask: string } {
  const [network = '', length = '32'] = cidr.split('/')
  const bits = 2 ** 32 - 2 ** (32 - Number(length))
  const netmask = [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.')
  return { network, netmask }
}

/** Nova names a link after the tap, which is named after the port. */
function linkId(portId: string): string {
  return `tap${portId.slice(0, 11)}`
}
