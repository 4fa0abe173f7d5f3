/** What a caller of another site can meet beside an answer. */

import { defineError } from '@atoll/kit'

export type UnreachableReason =
  /** No address is known, nobody accepts a connection, or the last attempt failed a moment ago. */
  | 'no_connection'
  /** Somebody accepts, but is not a peer of that site. */
  | 'wrong_identity'
  /** The connection was lost, or the peer gave the request up, before there was an answer. */
  | 'connection_lost'
  | 'timeout'
  /** This transport was closed. */
  | 'closed'

export interface UnreachableDetail {
  readonly site: string
  readonly reason: UnreachableReason
  /** False only when the request certainly never reached a handler: then it may be sent again, or elsewhere. */
  readonly mayHaveBeenDone: boolean
}

/** There is no answer. An answer with a status of 500 and more is an answer, and never becomes this error. */
export const PeerUnreachable = defineError({
  code: 'overlay.peer.unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ site }: UnreachableDetail) => `Site ${site} cannot be reached at the moment.`,
})

export const PeerUnauthenticated = defineError({
  code: 'overlay.peer.unauthenticated',
  status: 401,
  fault: 'unauthorized',
  message: () => 'This endpoint is for peers of the cloud, which show a certificate.',
})

export const PeerBodyTooLarge = defineError({
  code: 'overlay.peer.body_too_large',
  status: 413,
  fault: 'requestEntityTooLarge',
  message: ({ bytesMax }: { bytesMax: number }) => `The body has more than ${bytesMax} bytes.`,
})

/** What a caller of `PeerTransport.request` must assume after `error`: false only when nothing can have happened. */
export function mayHaveBeenDone(error: unknown): boolean {
  return !PeerUnreachable.is(error) || (error.detail as UnreachableDetail).mayHaveBeenDone
}
