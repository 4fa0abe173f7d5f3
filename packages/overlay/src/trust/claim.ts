/** What a site that joins the cloud and a peer that joins its site have in common: a token, a name, and a key to be certified. */

import { createHash, type KeyObject } from 'node:crypto'
import type { Clock } from '@atoll/kit'
import {
  createSigningRequest,
  exportPublicKey,
  generatePrivateKey,
  readSigningRequest,
} from './certificate.ts'
import { JoinRequestMalformed } from './errors.ts'
import { requireNames, type SubjectName } from './identity.ts'
import { recognizeJoinToken, type TokenParts } from './join-token.ts'

/** What every join request holds, as JSON; the name stands under the key that says of what. */
export interface ClaimTexts {
  readonly tokenId: string
  readonly secret: string
  /** PEM, PKCS #10. */
  readonly signingRequest: string
}

/** Makes the key of whoever joins, and what is sent with its name. */
export async function makeClaim(
  token: Pick<TokenParts, 'id' | 'secret'>,
  subject: SubjectName,
): Promise<{ readonly privateKey: string; readonly texts: ClaimTexts }> {
  const privateKey = generatePrivateKey()
  const signingRequest = await createSigningRequest({ subject, privateKey })
  return { privateKey, texts: { tokenId: token.id, secret: token.secret, signingRequest } }
}

export interface ReadClaim<Kept> {
  readonly tokenId: string
  /** What the site keeps of the token, which may still be spent. */
  readonly record: Kept
  readonly name: string
  readonly publicKey: KeyObject
  /** SHA-256, base64url: recognizes a claimant who asks again. */
  readonly publicKeyHash: string
}

/**
 * What somebody claims who wants to join, with everything but the name's fitness checked. Spends nothing.
 *
 * @param options.request what came in
 * @param options.nameKey under which key the name stands
 * @throws JoinRequestMalformed | NameInvalid | JoinTokenUnknown | JoinTokenExpired
 */
export async function readClaim<
  Kept extends { readonly secretHash: string; readonly expiresAtMs: number },
>(options: {
  readonly request: unknown
  readonly nameKey: 'siteName' | 'peerName'
  readonly store: { find(id: string): Promise<Kept | undefined> }
  readonly clock: Clock
}): Promise<ReadClaim<Kept>> {
  const { request, nameKey, store, clock } = options
  const given = Object(request) as Readonly<Record<string, unknown>>
  const { tokenId, secret, signingRequest, [nameKey]: name } = given
  if (
    typeof tokenId !== 'string' ||
    typeof secret !== 'string' ||
    typeof name !== 'string' ||
    typeof signingRequest !== 'string'
  ) {
    throw JoinRequestMalformed({ reason: `tokenId, secret, ${nameKey} and signingRequest must be texts` })
  }
  const record = await recognizeJoinToken({ store, clock, id: tokenId, secret })
  requireNames({ [nameKey === 'siteName' ? 'site' : 'peer']: name })
  const publicKey = await readSigningRequest(signingRequest)
  return { tokenId, record, name, publicKey, publicKeyHash: hashOfKey(publicKey) }
}

function hashOfKey(publicKey: KeyObject): string {
  return createHash('sha256').update(exportPublicKey(publicKey)).digest('base64url')
}
