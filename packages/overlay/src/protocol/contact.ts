/** Whom a datagram goes to or comes from. */

import type { Address } from '../transport/dial.ts'

/** A site, and where its peers listen. Frozen; protocols pass the same object on and never copy it field by field. */
export interface Contact {
  /** Name of the site: a lower-case DNS label, unique in the cloud. The transport has proved it for a sender. */
  readonly site: string
  /** In order of preference; hints only, since whoever answers there must prove to be `site`. */
  readonly addresses: readonly Address[]
}

/** Past this many, a contact says nothing useful and only costs memory. */
export const ADDRESSES_MAX = 8
