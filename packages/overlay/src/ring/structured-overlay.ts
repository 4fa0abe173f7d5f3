/** An overlay that knows who is responsible for a key: what services use, whatever keeps it. */

import type { Contact } from '../protocol/contact.ts'
import type { Protocol } from '../protocol/protocol.ts'
import type { RingKey } from './ring-key.ts'

/** The owner of a key; undefined when nobody could be asked in time. */
export type LookupListener = (owner: Contact | undefined) => void

export interface StructuredOverlay extends Protocol {
  /** True once other sites can find this one. */
  readonly isReady: boolean
  /** The sites that follow this one along the ring, nearest first: the order in which a scheduler walks. */
  readonly successors: readonly Contact[]
  /** The site before this one, as far as it is known. */
  readonly predecessor: Contact | undefined
  /** Finds the owner of a key: the first site at it or after it. Calls `found` once, at once or later. */
  lookup(key: RingKey, found: LookupListener): void
  /** Takes note of a site that others speak of: it may be a better neighbour. */
  hear(contact: Contact): void
  /** Forgets a site that left or died. */
  delete(site: string): void
}
