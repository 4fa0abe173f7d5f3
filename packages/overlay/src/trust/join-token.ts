/**
 * A join token lets one new site into the cloud, once and for a while:
 *
 *     atoll1.<id>.<secret>.<SHA-256 of the cloud authority's certificate>
 *
 * The secret proves to the cloud that the site was invited; the hash proves to the site that it talks to the cloud,
 * with no trust set up before (as kubeadm's `--discovery-token-ca-cert-hash` does). A token for a peer of a site that there is has the
 * same form, another first word, and the hash of the site's certificate: no other site can pass for it and get its keys.
 *
 * The id of a token for a site begins with the code of the site that has issued it, the only one that can take it back: a
 * joiner who asks another one is told where that is, and shows the secret to nobody else.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock, Random, SiteCode } from '@atoll/kit'
import { fingerprintOf } from './certificate.ts'
import { JoinTokenExpired, JoinTokenMalformed, JoinTokenOfOtherKind, JoinTokenUnknown } from './errors.ts'
import { requireNames } from './identity.ts'
import type { Certified } from './key-ring.ts'

/** What a token is good for, by its first word. */
const PREFIXES = { 'a site': 'atoll1', 'a peer': 'atoll-peer1' } as const
export type TokenPurpose = keyof typeof PREFIXES
const idBytes = 8
const secretBytes = 16
const hashBytes = 32

/** What the cloud keeps of a token: enough to recognize it, not enough to use it. */
export interface JoinTokenRecord {
  readonly id: string
  /** SHA-256 of the secret, base64url. 128 random bits need no slow hash. */
  readonly secretHash: string
  /** The only name that the site may take; undefined leaves the choice to the site. */
  readonly siteName?: string | undefined
  readonly expiresAtMs: number
}

/** Who spends a token. */
export interface JoinClaim {
  readonly tokenId: string
  readonly siteName: string
  /** SHA-256 of the site's public key, base64url: recognizes a claimant who asks again. */
  readonly publicKeyHash: string
}

export type SpendOutcome =
  /** `code` goes into the certificate of the site, and so into the ids that it mints. */
  | { readonly kind: 'spent'; readonly code: SiteCode }
  | { readonly kind: 'token_used' | 'site_taken' | 'codes_used_up' }

/** Where the cloud keeps its tokens. */
export interface JoinTokenStore {
  add(record: JoinTokenRecord): Promise<void>
  find(id: string): Promise<JoinTokenRecord | undefined>
  /**
   * In one transaction: marks the token as used by the claim and takes the site's name and a code for it, durably. Exactly one
   * claim ever spends a token. The same claim again is `spent` again, with the same code, since its first answer may have been
   * lost; another claim is `token_used`; a name that a site has is `site_taken`, and the token stays unspent.
   */
  spend(claim: JoinClaim): Promise<SpendOutcome>
}

export interface JoinToken {
  readonly id: string
  /** base64url. */
  readonly secret: string
  /** SHA-256 of the cloud authority's certificate (DER). */
  readonly cloudAuthorityHash: Buffer
  /** Of the site that has issued it, where codes are certified. */
  readonly issuerCode: SiteCode
}

/**
 * Issues a token of 86 characters and keeps its record.
 *
 * @throws NameInvalid when `siteName` can be the name of no site
 */
export async function issueJoinToken(options: {
  readonly cloudAuthority: Certified
  /** Of the site that issues it. */
  readonly issuerCode: SiteCode
  readonly store: JoinTokenStore
  readonly random: Random
  readonly siteName?: string | undefined
  readonly expiresAtMs: number
}): Promise<string> {
  const { cloudAuthority, issuerCode, store, random, siteName, expiresAtMs } = options
  if (siteName !== undefined) requireNames({ site: siteName })
  const { text, id, secretHash } = makeToken('a site', cloudAuthority, { random, issuerCode })
  await store.add({ id, secretHash, siteName, expiresAtMs })
  return text
}

/** What a token is good for, judged by its look. @throws JoinTokenMalformed */
export function purposeOf(text: string): TokenPurpose {
  const [found] = text.trim().split('.', 1)
  for (const purpose of ['a site', 'a peer'] as const) if (PREFIXES[purpose] === found) return purpose
  throw JoinTokenMalformed(undefined)
}

/** @throws JoinTokenMalformed */
export function parseJoinToken(text: string): JoinToken {
  const { id, secret, hash } = parseToken(text, 'a site')
  return { id, secret, cloudAuthorityHash: hash, issuerCode: Buffer.from(id, 'base64url').readUInt16BE(0) }
}

export interface TokenParts {
  readonly id: string
  /** base64url. */
  readonly secret: string
  /** SHA-256 of a certificate (DER). */
  readonly hash: Buffer
}

/** A token and what the issuer keeps of it. */
export function makeToken(
  purpose: TokenPurpose,
  certified: Certified,
  { random, issuerCode }: { readonly random: Random; readonly issuerCode?: SiteCode },
) {
  const idOf = Buffer.from(random.bytes(idBytes))
  if (issuerCode !== undefined) idOf.writeUInt16BE(issuerCode, 0)
  const id = base64url(idOf)
  const secret = base64url(random.bytes(secretBytes))
  const text = [PREFIXES[purpose], id, secret, base64url(fingerprintOf(certified))].join('.')
  return { text, id, secretHash: hashOf(secret) }
}

/** @throws JoinTokenMalformed, JoinTokenOfOtherKind */
export function parseToken(text: string, purpose: TokenPurpose): TokenParts {
  const isFor = purposeOf(text)
  if (isFor !== purpose) throw JoinTokenOfOtherKind({ isFor })
  const [, id = '', secret = '', hash = '', ...rest] = text.trim().split('.')
  const isWhole =
    rest.length === 0 &&
    isBase64url(id, idBytes) &&
    isBase64url(secret, secretBytes) &&
    isBase64url(hash, hashBytes)
  if (!isWhole) throw JoinTokenMalformed(undefined)
  return { id, secret, hash: Buffer.from(hash, 'base64url') }
}

/**
 * The record of a token that may still be spent.
 *
 * @throws JoinTokenUnknown | JoinTokenExpired
 */
export async function recognizeJoinToken<
  Kept extends { readonly secretHash: string; readonly expiresAtMs: number },
>(options: {
  readonly store: { find(id: string): Promise<Kept | undefined> }
  readonly clock: Clock
  readonly id: string
  readonly secret: string
}): Promise<Kept> {
  const { store, clock, id, secret } = options
  const record = await store.find(id)
  // An unknown id is compared too, so that the time of the answer does not tell it from a wrong secret.
  const isRight = isSameHash(hashOf(secret), record?.secretHash ?? hashOf(id))
  if (!record || !isRight) throw JoinTokenUnknown(undefined)
  if (clock.nowMs() >= record.expiresAtMs) throw JoinTokenExpired(undefined)
  return record
}

function isSameHash(left: string, right: string): boolean {
  const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)]
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function isBase64url(text: string, length: number): boolean {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === length && bytes.toString('base64url') === text
}
