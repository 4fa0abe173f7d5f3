/** MAC addresses of ports: Neutron's prefix and 24 random bits, unique on their network as far as this site knows. */

import { cloudScope, type StateTransaction } from '@atoll/state'
import { MacAddressGenerationFailure, MacAddressInUse } from '../errors.ts'
import { ports } from '../records.ts'

const PREFIX = 'fa:16:3e'
/** With n ports on the network one try fails with n / 2^24: sixteen in a row mean that something else is wrong. */
const ATTEMPTS_MAX = 16
const scope = cloudScope('mac addresses of a network')

/** Draws an address that no port of the network has. @throws MacAddressGenerationFailure */
export async function mintMacAddress(transaction: StateTransaction, networkId: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    // The first digits of an id are random, and drawing them here keeps the transaction the only source.
    const id = transaction.mintId()
    const macAddress = `${PREFIX}:${id.slice(0, 2)}:${id.slice(2, 4)}:${id.slice(4, 6)}`
    if (!(await isTaken(transaction, networkId, macAddress))) return macAddress
  }
  throw MacAddressGenerationFailure({ networkId })
}

/** @throws MacAddressInUse */
export async function demandFreeMacAddress(
  transaction: StateTransaction,
  networkId: string,
  macAddress: string,
): Promise<void> {
  if (await isTaken(transaction, networkId, macAddress)) throw MacAddressInUse({ networkId, macAddress })
}

async function isTaken(
  transaction: StateTransaction,
  networkId: string,
  macAddress: string,
): Promise<boolean> {
  const holder = await transaction
    .select(scope, ports)
    .select('id')
    .where('network_id', '=', networkId)
    .where('mac_address', '=', macAddress)
    .executeTakeFirst()
  return holder !== undefined
}
