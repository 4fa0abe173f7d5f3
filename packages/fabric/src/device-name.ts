/**
 * Names of devices, which Linux limits to 15 characters: `at-`, a letter for the kind, and the first 11 hexadecimal
 * digits of the id, all of which are random in our ids. The full id stands in the device's alias, so that a restarted
 * peer knows its own, and two ids with equal beginnings are told apart and refused rather than mixed up.
 */

import type { NetworkId, PortId } from './fabric.ts'

export const DEVICE_PREFIX = 'at-'

const KIND_LETTERS = Object.freeze({
  bridge: 'b',
  vxlan: 'v',
  /** The DHCP port's end on the bridge, and its end in the namespace. */
  dhcp: 'd',
  dhcpInside: 'n',
  tap: 't',
  /** The guest's end when a test wires a virtual Ethernet pair in place of a tap. */
  guest: 'g',
})

/** A name of exactly 15 characters. */
export function deviceName(kind: keyof typeof KIND_LETTERS, id: NetworkId | PortId): string {
  return `${DEVICE_PREFIX}${KIND_LETTERS[kind]}${idBeginning(id)}`
}

/** The part of an id that its names carry. */
export function idBeginning(id: string): string {
  return id.replaceAll('-', '').slice(0, 11).toLowerCase()
}

export interface DeviceAlias {
  /** Which peer of the machine made the device. */
  readonly owner: string
  readonly networkId: NetworkId
  /** Only on taps. */
  readonly portId?: PortId
}

/** Whose a device is, in a form that `parseAlias` reads back. */
export function formatAlias({ owner, networkId, portId }: DeviceAlias): string {
  return ['atoll', owner, networkId, ...(portId === undefined ? [] : [portId])].join(':')
}

export function parseAlias(text: string): DeviceAlias | undefined {
  const [mark, owner, networkId, portId] = text.split(':')
  if (mark !== 'atoll' || owner === undefined || networkId === undefined) return undefined
  return { owner, networkId, ...(portId === undefined ? {} : { portId }) }
}
