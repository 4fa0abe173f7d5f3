/** What the failure detectors of two sites say to each other. */

import type { SignedDescriptor } from '../membership/descriptor.ts'
import type { Message } from '../protocol/message.ts'
import type { SignedSuspicion } from './suspicion.ts'

export interface PingMessage extends Message {
  readonly type: 'faults.ping'
  readonly seq: number
  /** The incarnation of the receiver that the sender knows. */
  readonly knows: number
  /** The sender holds the receiver for suspect or cut in that incarnation: it will want to say that it is there. */
  readonly isDoubted: boolean
}

export interface AckMessage extends Message {
  readonly type: 'faults.ack'
  readonly seq: number
  /** When it is newer than what the sender of the ping knows. */
  readonly descriptor?: SignedDescriptor
  /** The sender had held the receiver for cut off in that incarnation: others will, too, until they hear a newer one. */
  readonly doubts?: number
  /** What the riders put on; see `ProbeRider`. */
  readonly riders?: Readonly<Record<string, unknown>>
}

/** Asks a proxy to ping `target` in our place. */
export interface AskMessage extends Message {
  readonly type: 'faults.ask'
  readonly seq: number
  readonly target: string
  readonly knows: number
  readonly isDoubted: boolean
  /** After so long the proxy says `nack`. */
  readonly withinMs: number
}

/** `heard`: the target answered. `nack`: it did not, but the proxy is there, so it is not the asker that is cut off. */
export interface ProxyMessage extends Message {
  readonly type: 'faults.heard' | 'faults.nack'
  readonly seq: number
  /** Of the target, when the proxy knows a newer one than the asker. */
  readonly descriptor?: SignedDescriptor
}

/** `doubt`: we missed a site; look for yourself. `missed`: so did we. Each carries the sender's own suspicion. */
export interface DoubtMessage extends Message {
  readonly type: 'faults.doubt' | 'faults.missed'
  readonly suspicion: SignedSuspicion
}

/** The answer to a doubt that is not shared: the site has just answered, or has said something newer. */
export interface SeenMessage extends Message {
  readonly type: 'faults.seen'
  readonly site: string
  readonly descriptor?: SignedDescriptor
}
