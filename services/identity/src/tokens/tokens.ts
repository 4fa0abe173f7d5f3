/**
 * Tokens: JWS signed by the site that issued them, verified anywhere with nothing but public keys and what is known
 * to be void. A token that was verified once is looked up the next time; what voids it is asked every time.
 */

import type { KeyObject } from 'node:crypto'
import { type Authorization, Unauthorized } from '@atoll/http'
import { assert, type Clock, type Logger, type Random } from '@atoll/kit'
import { createJws, JWS_BYTES_MAX, verifyJws } from '@atoll/overlay'
import type { State } from '@atoll/state'
import { TokenTooLarge } from '../errors.ts'
import { effectiveRoles } from '../roles/implied.ts'
import { readClaims, type TokenClaims, writeClaims } from './claims.ts'
import { Standing } from './standing.ts'

/** The keys of the cloud's sites; Ed25519. */
export interface TokenKeys {
  /** Names this site's key. */
  readonly kid: string
  /** This site's signature: 64 bytes. */
  sign(bytes: Uint8Array): Buffer
  /** The public key of a site that this one trusts. Callers get the same object each time: parsing costs. */
  publicKeyOf(kid: string): KeyObject | undefined
  /**
   * Name of the site whose key it is. With it, `admin` and `manager` count only in tokens of sites that the domain of
   * the scope trusts, and at the site itself that issued them: what it decides there, it could do without a token.
   * Without it, every site whose key is known can make administrators of the cloud.
   */
  siteOf?(kid: string): string | undefined
}

export interface TokensOptions {
  readonly state: State
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly keys: TokenKeys
  /** How long a token lives. Longer spares logins; a token that leaked is good for as long. Default: an hour. */
  readonly lifeMs?: number
  /** How many verified tokens are remembered; each takes about 1 kB. Default: 4096. */
  readonly cachedMax?: number
}

/** A verified token: who it speaks for, and what it says. */
export interface Token extends Authorization, TokenClaims {
  /** Names the key that signed it. */
  readonly kid: string
}

export interface IssuedToken {
  /** What the client sends as `X-Auth-Token`. */
  readonly text: string
  readonly token: Token
}

/** What a token is issued for; `from` is the token that it was made from. */
export type TokenSubject = Omit<TokenClaims, 'auditIds' | 'issuedAtMs' | 'expiresAtMs'> & {
  readonly from?: Token | undefined
}

export interface Tokens {
  /**
   * Signs a token. @throws TokenTooLarge, Unauthorized when its user or scope is void here, or when it was made from
   * the token of a site that has no say about this user
   */
  readonly issue: (subject: TokenSubject) => IssuedToken
  /** Needs no network and no store. @throws Unauthorized for anything but a good token of a site that is trusted */
  readonly verify: (text: string) => Token
  /** Whether a domain trusts the site that issued `token`, or this site: all others obey `admin` and `manager` in it. */
  readonly isTrustedBy: (domainId: string, token?: Token) => boolean
  /** Resolves when what was committed before the call is obeyed by `verify`. */
  readonly settled: () => Promise<void>
  /** How long a token lives, in milliseconds. */
  readonly lifeMs: number
  /** Stops following the commits of the state. */
  readonly close: () => void
}

const TOKEN_TYPE = 'atoll-token'
/** Base64 and a header and signature of about 250 bytes must fit into `JWS_BYTES_MAX` with the payload. */
const PAYLOAD_BYTES_MAX = Math.floor(((JWS_BYTES_MAX - 512) * 3) / 4)
const LIFE_MS = 3_600_000
/** What voids a token is remembered for this long at every site, whatever life each site gives its tokens. */
const LIFE_MS_MAX = 24 * 3_600_000

export async function createTokens(options: TokensOptions): Promise<Tokens> {
  const { clock, random, keys, lifeMs = LIFE_MS, cachedMax = 4096 } = options
  assert(lifeMs <= LIFE_MS_MAX, 'a token lives a day at most')
  const standing = await Standing.load({ ...options, lifeMs: LIFE_MS_MAX })
  const verified = new Map<string, Verified>()
  const { isTrusted, tokenOf } = judgeOf(keys, standing)

  const issue = ({ from, ...subject }: TokenSubject): IssuedToken => {
    const auditId = Buffer.from(random.bytes(16)).toString('base64url')
    const auditIds = [auditId, ...(from ? [from.auditIds.at(-1) ?? from.auditId] : [])] as const
    const nowMs = Math.trunc(clock.nowMs())
    const voidBeforeMs = standing.voidBeforeMs({ ...subject, auditIds })
    if (voidBeforeMs === Number.POSITIVE_INFINITY) throw refuse('the user or the scope is void')
    // Another site's word for who somebody is must not become ours.
    if (from && from.kid !== keys.kid && !isTrusted(from.userDomainId, from.kid))
      throw refuse("the user's domain does not trust the site that issued the token")
    const claims: TokenClaims = {
      ...subject,
      auditIds,
      // Never before what voids older tokens, even when another site, whose clock is ahead, has just said so.
      issuedAtMs: Math.max(nowMs, voidBeforeMs),
      expiresAtMs: Math.min(nowMs + lifeMs, from?.expiresAtMs ?? Number.POSITIVE_INFINITY),
    }
    const payload = writeClaims(claims)
    if (payload.length > PAYLOAD_BYTES_MAX) throw TokenTooLarge({})
    const signer = { keyId: keys.kid, sign: (bytes: Uint8Array) => keys.sign(bytes) }
    const text = createJws({ payload, signer, type: TOKEN_TYPE })
    return { text, token: tokenOf(claims, keys.kid) }
  }

  const readToken = (text: string): Verified => {
    const verdict = verifyJws({ jws: text, type: TOKEN_TYPE, keyFor: (kid) => keys.publicKeyOf(kid) })
    if (!verdict.isValid) throw refuse(verdict.reason)
    const claims = readClaims(verdict.payload)
    if (!claims) throw refuse('the payload has another form')
    return { token: tokenOf(claims, verdict.header.kid), trustVersion: standing.trustVersion }
  }

  const isStillTrusted = ({ token, trustVersion }: Verified): boolean =>
    trustVersion === standing.trustVersion && keys.publicKeyOf(token.kid) !== undefined

  const verify = (text: string): Token => {
    const known = verified.get(text)
    // The order of the map says what was used last, so a hit moves to its end.
    verified.delete(text)
    const entry = known && isStillTrusted(known) ? known : readToken(text)
    const { token } = entry
    const nowMs = clock.nowMs()
    if (token.expiresAtMs <= nowMs) throw refuse('expired')
    if (token.expiresAtMs > nowMs + LIFE_MS_MAX) throw refuse('lives longer than any token may')
    if (token.issuedAtMs < standing.voidBeforeMs(token)) throw refuse('revoked')
    verified.set(text, entry)
    const oldest = verified.size > cachedMax ? verified.keys().next().value : undefined
    if (oldest !== undefined) verified.delete(oldest)
    return token
  }

  return {
    issue,
    verify,
    isTrustedBy: (domainId, token) => isTrusted(domainId, token?.kid ?? keys.kid),
    lifeMs,
    settled: () => standing.settled(),
    close: () => standing.close(),
  }
}

/** Which roles count in a token, by who signed it. */
function judgeOf(keys: TokenKeys, standing: Standing) {
  const isTrusted = (domainId: string | null, kid: string): boolean => {
    if (!keys.siteOf) return true
    const site = keys.siteOf(kid)
    return domainId !== null && site !== undefined && standing.trusts(domainId, site)
  }
  // A site that is cut off from those whom the domain trusts must still have an administrator: for itself alone, since
  // wherever its requests are forwarded to, its word counts for no more than before.
  const countsHere = (domainId: string | null, kid: string): boolean =>
    isTrusted(domainId, kid) || (domainId !== null && kid === keys.kid)
  const tokenOf = (claims: TokenClaims, kid: string): Token => {
    const domainId = claims.projectDomainId ?? claims.domainId
    const roles = effectiveRoles(claims.roleNames, { domainId, isTrusted: countsHere(domainId, kid) })
    return Object.freeze({ ...claims, roles, auditId: claims.auditIds[0], kid })
  }
  return { isTrusted, tokenOf }
}

interface Verified {
  readonly token: Token
  readonly trustVersion: number
}

// The client learns nothing of the reason; the log does.
function refuse(reason: string) {
  return Unauthorized({}, { cause: new Error(`token refused: ${reason}`) })
}
