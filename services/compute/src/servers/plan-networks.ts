/** Which networks a new server joins. */

import { isUuid } from '@atoll/kit'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest } from '../errors.ts'
import type { RequestContext } from '../request-context.ts'
import type { CreateBody, RequestedNetwork } from './create-schema.ts'

export interface PlannedNetwork {
  readonly networkId?: string
  readonly portId?: string
  readonly fixedIp?: string
  readonly tag?: string | undefined
}

/** @throws InvalidRequest, and what the network service says when nothing was named and several would do */
export async function planNetworks(
  { state, network }: ComputeDependencies,
  context: RequestContext,
  { projectId, countMax }: { projectId: string; countMax: number },
): Promise<PlannedNetwork[]> {
  const { networks = [] } = (context.body as CreateBody).server
  if (networks === 'none') return []
  if (networks !== 'auto' && networks.length > 0)
    return networks.map((requested) => plannedNetwork(requested, countMax))
  const defaults = await network.defaultNetworks(state, context.scope, projectId)
  if (defaults.length > 0) return defaults.map(({ id }) => ({ networkId: id }))
  if (networks !== 'auto') return []
  throw InvalidRequest({ message: `Unable to automatically allocate a network for project ${projectId}` })
}

function plannedNetwork(requested: RequestedNetwork, countMax: number): PlannedNetwork {
  const { uuid: networkId, port, fixed_ip: fixedIp, tag } = requested
  if (port) {
    if (fixedIp !== undefined) {
      throw InvalidRequest({
        message: `Specified Fixed IP '${fixedIp}' cannot be used with port '${port}': the two cannot be specified together.`,
      })
    }
    if (countMax > 1) {
      throw InvalidRequest({
        message:
          'Failed to launch instances: Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
      })
    }
    return { portId: port, tag }
  }
  if (networkId === undefined) throw InvalidRequest({ message: "Bad network format: missing 'uuid'" })
  if (!isUuid(networkId)) {
    throw InvalidRequest({
      message: `Bad networks format: network uuid is not in proper format (${networkId})`,
    })
  }
  if (fixedIp !== undefined && countMax > 1) {
    throw InvalidRequest({
      message: 'Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.',
    })
  }
  return { networkId, ...(fixedIp !== undefined && { fixedIp }), tag }
}
