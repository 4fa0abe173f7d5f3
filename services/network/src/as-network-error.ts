/** A share that is used up, in the words of the one who asked for an address or a network. */

import { cloudScope, type Reader, ShareExhausted } from '@atoll/state'
import { IpAddressGenerationFailure, NoNetworkAvailable } from './errors.ts'
import { subnets } from './records.ts'

const scope = cloudScope('naming the network whose addresses are used up')

/**
 * Turns `ShareExhausted` of addresses or VNIs into what Neutron says; answers anything else as it is. Callers
 * use it outside of the transaction, since the state must see the original to borrow and try again.
 */
export async function asNetworkError(reader: Reader, error: unknown): Promise<unknown> {
  if (!ShareExhausted.is(error)) return error
  const { resource } = error.detail as { readonly resource: string }
  const [what, id = ''] = resource.split(':')
  if (what === 'vnis') return NoNetworkAvailable({}, { cause: error })
  if (what !== 'addresses') return error
  const subnet = await reader.find(scope, subnets, id)
  return IpAddressGenerationFailure({ networkId: subnet?.network_id ?? '' }, { cause: error })
}
