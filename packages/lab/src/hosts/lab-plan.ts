/**
 * Names and addresses of a lab, all derived from its number: pure, so that whoever cleans up finds what another
 * process made. Lab n has bridge `atoll-lab<n>`, operator net 198.18.n.0/24 and WAN 198.19.n.0/24 (RFC 2544 keeps
 * 198.18.0.0/15 for tests of networks).
 */

import { LabNameInvalid } from '../errors.ts'

export const LAB_COUNT_MAX = 256
export const HOST_COUNT_MAX = 64

/** Wide enough for a WAN frame of 1500 bytes in its VXLAN header, and for bulk transfers of clients. */
export const OPERATOR_MTU = 9000
/** What a provider's line carries. A tenant VXLAN on it, 50 bytes of headers, has an inner MTU of 1450. */
export const WAN_MTU = 1500

export interface LabPlan {
  readonly name: string
  readonly number: number
  readonly bridge: string
  /** The root namespace's address on the operator net, with prefix length in `operatorCidr`. */
  readonly operatorIp: string
  readonly operatorCidr: string
  readonly hosts: readonly HostPlan[]
}

export interface HostPlan {
  readonly name: string
  readonly namespace: string
  /** The end of the operator link in the root namespace; the other end is `operator0`. */
  readonly operatorPort: string
  readonly operatorIp: string
  readonly wanIp: string
  readonly wanMac: string
  /** UDP port of this host's WAN at both ends, the host's and the relay's: the relay knows a host by it. */
  readonly wanPort: number
}

const WAN_PORT_FIRST = 14_800

export function labPlan(options: {
  readonly name: string
  readonly number: number
  readonly hosts: readonly string[]
}): LabPlan {
  const { name, number } = options
  for (const each of [name, ...options.hosts]) {
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(each)) throw LabNameInvalid({ name: each })
  }
  const bridge = bridgeName(number)
  const hosts = options.hosts.map((host, index) => ({
    name: host,
    namespace: `${namespacePrefix(name)}${host}`,
    operatorPort: `${bridge}.${index + 1}`,
    operatorIp: `198.18.${number}.${index + 11}`,
    wanIp: `198.19.${number}.${index + 11}`,
    wanMac: `02:61:74:${hexByte(number)}:00:${hexByte(index + 11)}`,
    wanPort: WAN_PORT_FIRST + index,
  }))
  return {
    name,
    number,
    bridge,
    operatorIp: `198.18.${number}.1`,
    operatorCidr: `198.18.${number}.1/24`,
    hosts,
  }
}

export function bridgeName(number: number): string {
  return `atoll-lab${number}`
}

/** A dot cannot stand in a name, so no lab's prefix is the start of another's. */
export function namespacePrefix(labName: string): string {
  return `${labName}.`
}

/** True when the address lies in the operator net or the WAN of lab `number`. */
export function isOfLab(number: number, ip: string): boolean {
  return ip.startsWith(`198.18.${number}.`) || ip.startsWith(`198.19.${number}.`)
}

/** `ip -batch` lines for the root namespace, in front of those in the hosts. */
export function rootCommands(plan: LabPlan): readonly string[] {
  return plan.hosts.flatMap(({ namespace, operatorPort }) => [
    `netns add ${namespace}`,
    `link add ${operatorPort} mtu ${OPERATOR_MTU} type veth peer name operator0 netns ${namespace}`,
    `link set dev ${operatorPort} master ${plan.bridge}`,
    ...quietUp(operatorPort),
    // Isolated ports reach the root namespace only: no frame between hosts can avoid the WAN.
    `link set dev ${operatorPort} type bridge_slave isolated on`,
  ])
}

/** `ip -batch` lines for the namespace of `host`. */
export function hostCommands(plan: LabPlan, host: HostPlan): readonly string[] {
  const others = plan.hosts.filter((other) => other !== host)
  return [
    'link set dev lo up',
    `link set dev operator0 mtu ${OPERATOR_MTU}`,
    ...quietUp('operator0'),
    `address add ${host.operatorIp}/24 dev operator0`,
    // The kernel takes the source port from [low, high), so this is one fixed port.
    `link add wan0 address ${host.wanMac} mtu ${WAN_MTU} type vxlan id ${plan.number + 1} local ${host.operatorIp} ` +
      `remote ${plan.operatorIp} dstport ${host.wanPort} srcport ${host.wanPort} ${host.wanPort + 1} ` +
      'nolearning dev operator0',
    ...quietUp('wan0'),
    `address add ${host.wanIp}/24 dev wan0`,
    ...others.flatMap((other) => [
      // No ARP crosses a routed WAN. With it, a cut would show as "host unreachable" instead of silence.
      `neighbour add ${other.wanIp} lladdr ${other.wanMac} dev wan0 nud permanent`,
      `route add ${other.operatorIp}/32 via ${other.wanIp} dev wan0 src ${host.wanIp}`,
    ]),
  ]
}

/** Up without IPv6 addresses, whose announcements would be the only traffic of an idle lab. */
export function quietUp(device: string): readonly string[] {
  return [`link set dev ${device} addrgenmode none`, `link set dev ${device} up`]
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0')
}
