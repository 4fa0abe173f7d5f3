/**
 * A protocol of the overlay: a state machine over datagrams, without input and output of its own. Callbacks only, since
 * a promise per message would cost the simulator more than the message.
 */

import type { Contact } from './contact.ts'
import type { Message } from './message.ts'

export interface Protocol {
  /** The types of message that `receive` takes. */
  readonly types: readonly string[]
  /** Sets its timers. Callers call it once, and again only after `stop`. */
  start(): void
  /** Clears its timers; nothing is sent afterwards, and what is received is ignored. */
  stop(): void
  /**
   * Takes one message. `from` is authenticated by the transport; the content is the word of that site and no more, and
   * a message that makes no sense is dropped. Never throws for what another site sent.
   */
  receive(from: Contact, message: Message): void
}
