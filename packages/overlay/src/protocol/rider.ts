/**
 * What rides on the probes that the failure detector sends anyway. A probe is answered at once, so its round trip is the
 * distance to the other site; a rider hears of each one, with what the other site's rider of the same name put on the
 * answer. Positions learn from this without messages of their own.
 */

import type { Contact } from './contact.ts'

export interface ProbeRider {
  /** Key of its data on the wire; unique among riders. */
  readonly name: string
  /** Plain data for the answer to a probe of `to`, at most some 300 bytes; undefined puts nothing on. */
  load(to: Contact): unknown
  /** `data` is what the rider of `from` put on the answer, unchecked, or undefined; `rttMs` is that of this probe. */
  unload(from: Contact, data: unknown, rttMs: number): void
}
