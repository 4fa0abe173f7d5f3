/**
 * What a site says of itself, signed, so that nobody can speak for another: who it is, where it listens, and whether it
 * is there. The text that was signed travels as it is, so that fields of a later release are kept by every hop.
 *
 *     { text: '{"site":"east","addresses":[…],"incarnation":1763980000000,"state":"alive"}', signature, credential }
 */

import { ADDRESSES_MAX, type Contact } from '../protocol/contact.ts'
import type { Address } from '../transport/dial.ts'
import { isName } from '../trust/identity.ts'

/** What a site can plan. That it is suspect or cut off is for others to find. */
export type PlannedState = 'alive' | 'dormant' | 'left'

/** On the wire. */
export interface SignedDescriptor {
  readonly text: string
  readonly signature: string
  readonly credential: string
}

export interface Descriptor {
  readonly contact: Contact
  /**
   * Rises with each descriptor of a site: its wall clock in milliseconds, or one more than the last. Only the site
   * itself can raise it, which is how it answers a suspicion (SWIM §4.2).
   */
  readonly incarnation: number
  readonly state: PlannedState
  readonly signed: SignedDescriptor
}

/** Bytes of text: eight addresses with names of 255 characters do not fit, and nobody has them. */
export const DESCRIPTOR_TEXT_MAX = 2048
export const CREDENTIAL_MAX = 4096

export interface DescriptorClaim {
  readonly site: string
  readonly addresses: readonly Address[]
  readonly incarnation: number
  readonly state: PlannedState
}

export function descriptorText({ site, addresses, incarnation, state }: DescriptorClaim): string {
  return JSON.stringify({
    type: 'descriptor',
    site,
    addresses: addresses.slice(0, ADDRESSES_MAX),
    incarnation,
    state,
  })
}

/** What a text claims, or undefined when it is none of a descriptor. Callers verify the signature. */
export function parseDescriptorText(text: string): DescriptorClaim | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { type, site, addresses, incarnation, state } = Object(value) as Record<string, unknown>
  if (type !== 'descriptor' || typeof site !== 'string' || !isName(site)) return undefined
  if (!Number.isSafeInteger(incarnation) || Number(incarnation) < 0) return undefined
  if (state !== 'alive' && state !== 'dormant' && state !== 'left') return undefined
  if (!Array.isArray(addresses) || addresses.length > ADDRESSES_MAX || !addresses.every(isAddress))
    return undefined
  return { site, addresses, incarnation: Number(incarnation), state }
}

function isAddress(value: unknown): value is Address {
  const { host, port } = Object(value) as Partial<Record<keyof Address, unknown>>
  return typeof host === 'string' && host.length <= 255 && Number.isInteger(port)
}

/** True when a value from another site has the form of a signed descriptor. */
export function isSignedDescriptor(value: unknown): value is SignedDescriptor {
  const { text, signature, credential } = Object(value) as Partial<Record<keyof SignedDescriptor, unknown>>
  return (
    typeof text === 'string' &&
    text.length <= DESCRIPTOR_TEXT_MAX &&
    typeof signature === 'string' &&
    signature.length <= 256 &&
    typeof credential === 'string' &&
    credential.length <= CREDENTIAL_MAX
  )
}
