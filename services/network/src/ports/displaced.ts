/** Ports and numbers whose place is gone for good: their records have come here, or stayed where they were. */

import { cloudScope, type NumberRange, type Reader, type StateTransaction } from '@atoll/state'
import { parseIpv4 } from '../addressing/ipv4.ts'
import { VNIS } from '../create-network-api.ts'
import { networks, ports, subnets } from '../records.ts'
import type { Port } from './view.ts'

const scope = cloudScope('numbers whose place is gone')
const ADDRESSES = 'addresses:'

/** A port that has come here keeps its addresses and its device, which is bound to no host any more. */
export async function settleDisplacedPort(transaction: StateTransaction, port: Port): Promise<void> {
  if (port.binding_host === '') return
  await transaction.update(ports, port.id, { binding_host: '', status: 'DOWN' })
}

/**
 * The numbers of a resource that live records hold, as far as is known here: of a subnet, all addresses, those outside of its pools
 * too; network identifiers within `ranges`, since those of others are given back where they were taken.
 */
export async function numbersInUse(
  reader: Reader,
  resource: string,
  ranges: readonly NumberRange[],
): Promise<readonly { readonly number: number; readonly holder: string }[]> {
  if (resource === VNIS) {
    const rows = await reader.select(scope, networks).select(['id', 'vni']).execute()
    return rows
      .filter(({ vni }) => ranges.some(([from, to]) => vni >= from && vni < to))
      .map(({ id, vni }) => ({ number: vni, holder: id }))
  }
  if (!resource.startsWith(ADDRESSES)) return []
  const subnetId = resource.slice(ADDRESSES.length)
  const subnet = await reader.find(scope, subnets, subnetId)
  if (!subnet) return []
  const rows = await reader
    .select(scope, ports)
    .select(['id', 'fixed_ips'])
    .where('network_id', '=', subnet.network_id)
    .execute()
  return rows.flatMap(({ id, fixed_ips }) =>
    fixed_ips.flatMap(({ subnet_id, ip_address }) => {
      const number = parseIpv4(ip_address)
      return subnet_id === subnetId && number !== undefined ? [{ number, holder: id }] : []
    }),
  )
}
