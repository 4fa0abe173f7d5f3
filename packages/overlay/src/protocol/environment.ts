/** All that a protocol of the overlay sees of the world. */

import type { Clock, Random } from '@atoll/kit'
import type { Contact } from './contact.ts'
import type { Message } from './message.ts'

export interface Environment {
  /** Intervals and time-outs by `monotonicMs` and `after`. */
  readonly clock: Clock
  readonly random: Random
  /**
   * Sends a datagram: it arrives once, or never, in any order, and nobody tells which. Returns at once and never
   * throws. Callers must not change `message` afterwards.
   */
  readonly send: (to: Contact, message: Message) => void
}
