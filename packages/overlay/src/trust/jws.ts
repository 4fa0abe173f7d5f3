/**
 * JSON Web Signatures in compact serialization (RFC 7515 §3.1) with EdDSA (RFC 8037). The algorithm is pinned: the
 * header must repeat it and never chooses it. Only what `createJws` writes is read; there is nothing to negotiate.
 */

import type { KeyObject } from 'node:crypto'
import { assert } from '@atoll/kit'
import { type SiteSigner, verifySignature } from './site-signer.ts'

/** A token travels in a header with each request; common servers and proxies take 8 KiB of them. */
export const JWS_BYTES_MAX = 8192

export interface JwsHeader {
  readonly alg: 'EdDSA'
  /** Names the key of the signer. */
  readonly kid: string
  /** What the payload is, so that one kind of token is never taken for another. */
  readonly typ: string
}

export type JwsRefusal =
  | 'too_large'
  | 'malformed'
  | 'wrong_algorithm'
  | 'wrong_type'
  | 'unknown_key'
  | 'bad_signature'

export type JwsVerdict =
  | { readonly isValid: true; readonly header: JwsHeader; readonly payload: Buffer }
  | { readonly isValid: false; readonly reason: JwsRefusal }

export interface JwsOptions {
  readonly payload: Uint8Array
  readonly signer: Pick<SiteSigner, 'keyId' | 'sign'>
  readonly type: string
}

/** Signs `payload`; the header names the key by `signer.keyId`. The result must not pass `JWS_BYTES_MAX`. */
export function createJws({ payload, signer, type }: JwsOptions): string {
  const header: JwsHeader = { alg: 'EdDSA', kid: signer.keyId, typ: type }
  const signed = `${encode(JSON.stringify(header))}.${encode(payload)}`
  const jws = `${signed}.${encode(signer.sign(Buffer.from(signed)))}`
  assert(jws.length <= JWS_BYTES_MAX, 'a JWS is at most 8 KiB')
  return jws
}

/**
 * The payload, when the holder of the key that `keyFor` gives for the header's `kid` has signed it for this `type`.
 * What the payload says, terms included, is for the caller to check.
 */
export function verifyJws(options: {
  readonly jws: string
  readonly type: string
  readonly keyFor: (keyId: string) => KeyObject | undefined
}): JwsVerdict {
  const { jws, type, keyFor } = options
  if (jws.length > JWS_BYTES_MAX) return refuse('too_large')
  const [encodedHeader = '', encodedPayload = '', encodedSignature = '', ...rest] = jws.split('.')
  const header = parseHeader(decode(encodedHeader))
  const payload = decode(encodedPayload)
  const signature = decode(encodedSignature)
  if (rest.length > 0 || !header || !payload || !signature) return refuse('malformed')
  if (header.alg !== 'EdDSA') return refuse('wrong_algorithm')
  if (header.typ !== type) return refuse('wrong_type')
  const key = keyFor(header.kid)
  if (!key) return refuse('unknown_key')
  const signed = Buffer.from(`${encodedHeader}.${encodedPayload}`)
  if (!verifySignature(key, signed, signature)) return refuse('bad_signature')
  return { isValid: true, header: { alg: 'EdDSA', kid: header.kid, typ: type }, payload }
}

function refuse(reason: JwsRefusal): JwsVerdict {
  return { isValid: false, reason }
}

/** Exactly three members, all text. An unknown one could be critical (RFC 7515 §4.1.11), so it is refused. */
function parseHeader(bytes: Buffer | undefined): { alg: string; kid: string; typ: string } | undefined {
  let header: unknown
  try {
    header = JSON.parse(bytes?.toString() ?? '')
  } catch {
    return undefined
  }
  const { alg, kid, typ, ...others } = Object(header) as Record<string, unknown>
  if (typeof alg !== 'string' || typeof kid !== 'string' || typeof typ !== 'string') return undefined
  return Object.keys(others).length === 0 ? { alg, kid, typ } : undefined
}

function encode(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64url')
}

/** Only the canonical spelling: otherwise one signature would have several texts. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return text.length > 0 && bytes.toString('base64url') === text ? bytes : undefined
}
