/** The part of the plan that makes, changes and deletes network devices. */

import { deviceName, formatAlias } from '../device-name.ts'
import type { Link, ObservedNetwork, WantedNetwork } from './network-state.ts'
import type { Step } from './plan.ts'

export interface LinkPlan {
  readonly steps: readonly Step[]
  /** The VXLAN device is made (or gone), so that it has no entries. */
  readonly isVxlanNew: boolean
  /** The DHCP port is made anew, so that nothing inside the namespace is set up. */
  readonly isInsideNew: boolean
}

/** Taps go first and the bridge last; the bridge is made first. */
export function planLinks(wanted: WantedNetwork, observed: ObservedNetwork): LinkPlan {
  const { names } = wanted
  const isInsideNew = observed.inside?.link === undefined
  const current = new Map([...observed.links, ...ofWanted(wanted, observed.unclaimed)])
  const kept = (name: string): Link | undefined => {
    const [link, target] = [current.get(name), wanted.links.get(name)]
    if (!link || !target || (name === names.dhcp && isInsideNew)) return undefined
    return isSameDevice(link, target) ? link : undefined
  }
  const gone = [...current.keys()].filter((name) => !kept(name))
  const order = (name: string) => (name === names.bridge ? 1 : 0)
  gone.sort((left, right) => order(left) - order(right))
  const lines = gone.map((name) => `link del dev ${name}`)
  for (const [name, link] of wanted.links) {
    const existing = kept(name)
    if (!existing) lines.push(...creationLines(name, link, wanted))
    lines.push(...differenceLines(name, link, existing))
  }
  return {
    steps: lines.map((line) => ({ tool: 'ip', line })),
    isVxlanNew: !kept(names.vxlan),
    isInsideNew,
  }
}

function ofWanted({ links }: WantedNetwork, unclaimed: ReadonlyMap<string, Link>): readonly [string, Link][] {
  return [...unclaimed].filter(([name]) => links.has(name))
}

function isSameDevice(link: Link, target: Link): boolean {
  return (
    link.kind === target.kind &&
    link.vxlan?.vni === target.vxlan?.vni &&
    link.vxlan?.local === target.vxlan?.local &&
    link.vxlan?.device === target.vxlan?.device
  )
}

// Devices get no IPv6 address of their own: the host is no member of tenant networks.
function creationLines(name: string, link: Link, { names }: WantedNetwork): readonly string[] {
  return [creationLine(name, link, names), `link set dev ${name} addrgenmode none`]
}

function creationLine(name: string, { kind, alias, vxlan }: Link, names: WantedNetwork['names']): string {
  switch (kind) {
    case 'bridge':
      return `link add name ${name} type bridge stp_state 0 mcast_snooping 0`
    case 'vxlan': {
      const device = vxlan?.device === undefined ? '' : ` dev ${vxlan.device}`
      return `link add name ${name} type vxlan id ${vxlan?.vni} dstport 4789 local ${vxlan?.local}${device} nolearning proxy`
    }
    case 'veth': {
      if (alias?.portId !== undefined)
        return `link add name ${name} type veth peer name ${deviceName('guest', alias.portId)}`
      return `link add name ${name} type veth peer name ${names.dhcpInside} netns ${names.namespace}`
    }
    case 'tun':
      return `tuntap add dev ${name} mode tap vnet_hdr`
  }
}

// Remote MAC addresses are stated, never learned, also not by the bridge from what comes out of the tunnel.
function differenceLines(name: string, wanted: Link, current: Link | undefined): readonly string[] {
  const set = (words: string) => `link set dev ${name} ${words}`
  const alias = wanted.alias && formatAlias(wanted.alias)
  const isAliasRight = current?.alias !== undefined && formatAlias(current.alias) === alias
  return [
    ...(isAliasRight || alias === undefined ? [] : [set(`alias ${alias}`)]),
    ...(current?.mtu === wanted.mtu ? [] : [set(`mtu ${wanted.mtu}`)]),
    ...(current?.master === wanted.master ? [] : [set(`master ${wanted.master}`)]),
    ...(current?.master === wanted.master || wanted.kind !== 'vxlan'
      ? []
      : [set('type bridge_slave learning off')]),
    ...((current?.isUp ?? false) === wanted.isUp ? [] : [set(wanted.isUp ? 'up' : 'down')]),
  ]
}
