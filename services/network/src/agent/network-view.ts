/** All that hosts must know of one network, kept in memory and changed port by port, so that a change costs what it is. */

import type { Subnet } from '../addressing/addresses.ts'
import type { Network } from '../networks/view.ts'
import type { Port } from '../ports/view.ts'
import type { FixedIp } from '../records.ts'

/** A bound port, without what no host cares about. */
export interface PortFacts {
  readonly id: string
  readonly macAddress: string
  readonly fixedIps: readonly FixedIp[]
  readonly isAdminStateUp: boolean
  readonly portSecurityEnabled: boolean
  readonly deviceId: string
  readonly host: string
}

export interface NetworkView {
  readonly network: Network
  readonly subnets: readonly Subnet[]
  /** Bound ports by id, on this and on other hosts. */
  readonly ports: ReadonlyMap<string, PortFacts>
}

/** What of a port hosts must know, or undefined when it is bound to none. */
export function factsOf(port: Port): PortFacts | undefined {
  if (port.binding_host === '') return undefined
  return {
    id: port.id,
    macAddress: port.mac_address,
    fixedIps: port.fixed_ips,
    isAdminStateUp: port.admin_state_up,
    portSecurityEnabled: port.port_security_enabled,
    deviceId: port.device_id,
    host: port.binding_host,
  }
}
