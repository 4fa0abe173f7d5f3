/**
 * What sites say to keep the ring:
 *
 *     ring.ask      whom do you see around you? (I am before you)    ──▶  ring.around
 *     ring.find     who owns this key?                               ──▶  ring.found
 */

import { ADDRESSES_MAX, type Contact } from '../protocol/contact.ts'
import type { Message } from '../protocol/message.ts'
import type { Address } from '../transport/dial.ts'
import { isName } from '../trust/identity.ts'
import type { RingKey } from './ring-key.ts'

export interface RingMessage extends Message {
  readonly type: 'ring.ask' | 'ring.around' | 'ring.find' | 'ring.found'
  /** Drawn by who asks; the answer carries it. */
  readonly number: number
  /** Of `ring.ask`: the asker follows the ring to the one that it asks, as its first successor. */
  readonly isBefore?: boolean
  /** Of `ring.find`. */
  readonly key?: RingKey
  /** Of `ring.find`: the asker thinks that it asks the owner. */
  readonly isLast?: boolean
  /** Of `ring.found`: the sender owns the key. */
  readonly isOwner?: boolean
  /** Of `ring.around` the first known after the asker; of `ring.found` who may own the key instead. */
  readonly predecessor?: Contact | undefined
  /** Of `ring.around` the successors, of `ring.found` whom to ask. */
  readonly contacts?: readonly Contact[]
}

export const RING_TYPES = ['ring.ask', 'ring.around', 'ring.find', 'ring.found'] as const

const CONTACTS_MAX = 32

/** A message as it came, checked; undefined when it is none of ours. */
export function readRingMessage(message: Message): RingMessage | undefined {
  const fields = message as Message & Partial<Record<keyof RingMessage, unknown>>
  const type = RING_TYPES.find((one) => one === fields.type)
  if (!type || fields.version !== 1 || !Number.isSafeInteger(fields.number)) return undefined
  const { key, contacts, predecessor } = fields
  if (type === 'ring.find' && !isKey(key)) return undefined
  return {
    type,
    version: 1,
    number: Number(fields.number),
    ...(isKey(key) && { key }),
    isBefore: fields.isBefore === true,
    isLast: fields.isLast === true,
    isOwner: fields.isOwner === true,
    predecessor: isContact(predecessor) ? predecessor : undefined,
    contacts: Array.isArray(contacts) ? contacts.slice(0, CONTACTS_MAX).filter(isContact) : [],
  }
}

function isKey(value: unknown): value is RingKey {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}

function isContact(value: unknown): value is Contact {
  const { site, addresses } = Object(value) as Partial<Record<keyof Contact, unknown>>
  return (
    typeof site === 'string' &&
    isName(site) &&
    Array.isArray(addresses) &&
    addresses.length <= ADDRESSES_MAX &&
    addresses.every(isAddress)
  )
}

function isAddress(value: unknown): value is Address {
  const { host, port } = Object(value) as Partial<Record<keyof Address, unknown>>
  return typeof host === 'string' && host.length <= 255 && Number.isInteger(port)
}
