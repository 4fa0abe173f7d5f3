/** Neutron v2.0: the API as a value, for the gate to serve. */

import type { Api } from '@atoll/http'
import type { State } from '@atoll/state'
import { discoveryEndpoints } from './discovery/routes.ts'
import { NetworkNotFound, PortNotFound, SubnetNotFound } from './errors.ts'
import { extensionEndpoints } from './extensions/routes.ts'
import { networkEndpoints } from './networks/routes.ts'
import { portEndpoints } from './ports/routes.ts'
import { quotaEndpoints } from './quotas/routes.ts'
import { networks, ports, subnets } from './records.ts'
import { tagEndpoints } from './resource/tags.ts'
import { networkRules } from './rules.ts'
import { subnetEndpoints } from './subnets/routes.ts'

/** The resource out of which networks take their VXLAN identifiers; founded with the cloud. */
export const VNIS = 'vnis:default'
/** Leaves room for VXLAN and for the tunnels that WANs like to put around it, on a path of 1500 bytes. */
const MTU_DEFAULT = 1400

export interface NetworkApiOptions {
  readonly state: State
  /** Name of the numbered resource of VXLAN network identifiers; `vnis:default` unless told. */
  readonly vnis?: string
  /** MTU of a network whose maker names none. */
  readonly mtu?: number
}

export function createNetworkApi({ state, vnis = VNIS, mtu = MTU_DEFAULT }: NetworkApiOptions): Api {
  return {
    prefix: '/network',
    faults: 'neutron',
    isOfProjects: true,
    rules: networkRules,
    endpoints: [
      ...discoveryEndpoints,
      ...extensionEndpoints,
      ...quotaEndpoints,
      ...networkEndpoints(state, { vnis, mtu }),
      ...subnetEndpoints(state),
      ...portEndpoints(state),
      ...tagEndpoints(state, {
        singular: 'network',
        plural: 'networks',
        table: networks,
        notFound: NetworkNotFound,
      }),
      ...tagEndpoints(state, {
        singular: 'subnet',
        plural: 'subnets',
        table: subnets,
        notFound: SubnetNotFound,
      }),
      ...tagEndpoints(state, { singular: 'port', plural: 'ports', table: ports, notFound: PortNotFound }),
    ],
  }
}
