/** Decides, for each request on the listener for peers, who sends it: the only way to an identity. */

import { X509Certificate } from 'node:crypto'
import type { Clock } from '@atoll/kit'
import { PeerIdentityInvalid } from '../trust/errors.ts'
import type { PeerIdentity } from '../trust/identity.ts'
import type { CredentialSource } from '../trust/key-ring.ts'
import { type CertifiedSocket, type VerifiedPeer, verifySocket } from '../trust/peer-identity.ts'
import { PeerUnauthenticated } from './errors.ts'

/** The paths that are open to those who have no certificate yet, sites and peers of one: they come to get one. */
export const JOIN_PATH = '/peer/v1/join'
export const PEER_JOIN_PATH = '/peer/v1/join-peer'
/** Open to those whose certificate has expired, too: the request itself proves whose it is. Nobody has an identity there. */
export const CERTIFICATES_PATH = '/peer/v1/certificates'

export interface PeerGateOptions {
  readonly credentials: CredentialSource
  readonly clock: Clock
  /** Default: `JOIN_PATH`. */
  readonly joinPath?: string
}

/** The socket of a request: `tls.TLSSocket`, or what `node:http2` puts in front of it. */
export interface GateSocket extends CertifiedSocket {
  [verified]?: VerifiedPeer | undefined
}

/**
 * The identity of the sender; undefined for one without a certificate on the join path, and for all where certificates are renewed.
 *
 * @throws PeerUnauthenticated without a certificate on any other path
 * @throws PeerIdentityInvalid with a certificate that is not, or no longer, one of a peer of this cloud
 */
export type PeerGate = (socket: GateSocket, path: string) => PeerIdentity | undefined

// `node:http2` gives each request a new proxy of the socket, which no WeakMap recognizes; a property goes through.
const verified = Symbol('verified peer')

export function createPeerGate({ credentials, clock, joinPath = JOIN_PATH }: PeerGateOptions): PeerGate {
  return (socket, path) => {
    if (path === CERTIFICATES_PATH || path.startsWith(`${CERTIFICATES_PATH}/`)) return undefined
    if (!socket[verified] && !socket.getPeerX509Certificate()) {
      for (const open of [joinPath, PEER_JOIN_PATH])
        if (path === open || path.startsWith(`${open}?`)) return undefined
      throw PeerUnauthenticated(undefined)
    }
    const nowMs = clock.nowMs()
    // The signatures of a connection are checked once, the term each time: sessions may outlive certificates.
    socket[verified] ??= verify(socket, credentials, nowMs)
    const { identity, validity } = socket[verified]
    if (nowMs > validity.notAfterMs)
      throw PeerIdentityInvalid({ reason: 'the certificate of the peer has expired' })
    return identity
  }
}

function verify(socket: GateSocket, credentials: CredentialSource, nowMs: number): VerifiedPeer {
  const cloudAuthority = new X509Certificate(credentials.keys.cloudAuthority.certificate)
  return verifySocket(socket, { cloudAuthority, nowMs })
}
