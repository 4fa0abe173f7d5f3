/**
 * Where new sites are admitted: join tokens, names and site codes, all in the store of the site that admits. The one that holds
 * the cloud's key also lends ranges of codes to those that admit beside it, and gives none of a range away itself.
 */

import { createHash } from 'node:crypto'
import type { SiteCode } from '@atoll/kit'
import {
  allSiteCodes,
  type JoinClaim,
  type JoinTokenRecord,
  type JoinTokenStore,
  type SiteCodes,
  type SpendOutcome,
} from '@atoll/overlay'
import type { State, StateTransaction } from '@atoll/state'
import { joinTokens, lentCodes, siteNames } from './tables.ts'

/** How many codes a site is lent, at best: fewer where the space is crowded. */
const RANGE_SIZES = [256, 64, 16] as const

export interface JoinDeskOptions {
  readonly state: State
  /** The codes that this site may give. */
  readonly codes: () => SiteCodes
  /**
   * Sites that this one knows of, with their codes. What it gave itself it remembers; these are looked at as well, since a store may
   * have been put back to what it was some time ago.
   */
  readonly known: () => readonly { readonly name: string; readonly code: SiteCode | undefined }[]
}

export class JoinDesk implements JoinTokenStore {
  readonly #options: JoinDeskOptions
  readonly #state: State

  constructor(options: JoinDeskOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** Takes the founding site's own name and code, so that nobody else gets them. Idempotent. */
  async registerSelf(): Promise<void> {
    const { name, code } = this.#state.site
    await this.#state.transaction((transaction) =>
      transaction.queries
        .insertInto(siteNames.name)
        .values({ name, code })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    )
  }

  async add({ id, secretHash, siteName, expiresAtMs }: JoinTokenRecord): Promise<void> {
    await this.#state.transaction((transaction) =>
      transaction.queries
        .insertInto(joinTokens.name)
        .values({
          id,
          secret_hash: secretHash,
          site_name: siteName ?? null,
          expires_at_ms: expiresAtMs,
          claimed_by: null,
          claimed_key_hash: null,
        })
        .execute(),
    )
  }

  async find(id: string): Promise<JoinTokenRecord | undefined> {
    const row = await this.#state.local(joinTokens).selectAll().where('id', '=', id).executeTakeFirst()
    if (!row) return undefined
    return {
      id,
      secretHash: row.secret_hash,
      siteName: row.site_name ?? undefined,
      expiresAtMs: row.expires_at_ms,
    }
  }

  async spend({ tokenId, siteName, publicKeyHash }: JoinClaim): Promise<SpendOutcome> {
    return this.#state.transaction(async (transaction) => {
      const token = await transaction
        .local(joinTokens)
        .selectAll()
        .where('id', '=', tokenId)
        .executeTakeFirst()
      const given = await transaction
        .local(siteNames)
        .select('code')
        .where('name', '=', siteName)
        .executeTakeFirst()
      if (token?.claimed_by != null) {
        const isSame = token.claimed_by === siteName && token.claimed_key_hash === publicKeyHash
        return isSame && given ? { kind: 'spent', code: given.code } : { kind: 'token_used' }
      }
      if (given || this.#isKnown(siteName)) return { kind: 'site_taken' }
      const code = await this.#freeCode(transaction, siteName)
      if (code === undefined) return { kind: 'codes_used_up' }
      await transaction.queries.insertInto(siteNames.name).values({ name: siteName, code }).execute()
      await transaction.queries
        .updateTable(joinTokens.name)
        .set({ claimed_by: siteName, claimed_key_hash: publicKeyHash })
        .where('id', '=', tokenId)
        .execute()
      return { kind: 'spent', code }
    })
  }

  /**
   * The codes that `site` may give to those whom it admits, the same each time; undefined when no range is free. They are its own for
   * good, whatever becomes of it: a code that was given once must never be given again.
   */
  async lendCodes(transaction: StateTransaction, site: string): Promise<SiteCodes | undefined> {
    const lent = await transaction.local(lentCodes).selectAll().execute()
    const earlier = lent.find((range) => range.site === site)
    if (earlier) return { first: earlier.first, last: earlier.last }
    const taken = await this.#takenCodes(transaction)
    const range = freeRange((code) => taken.has(code) || lent.some((other) => isIn(code, other)))
    if (range)
      await transaction.queries
        .insertInto(lentCodes.name)
        .values({ site, ...range })
        .execute()
    return range
  }

  #isKnown(siteName: string): boolean {
    return this.#options.known().some(({ name, code }) => name === siteName && code !== undefined)
  }

  async #takenCodes(transaction: StateTransaction): Promise<ReadonlySet<SiteCode>> {
    const given = await transaction.local(siteNames).select('code').execute()
    const known = this.#options.known().flatMap(({ code }) => (code === undefined ? [] : [code]))
    return new Set([...given.map(({ code }) => code), ...known])
  }

  // Starts from a hash of the name, so that the ids of one cloud do not read like another's.
  async #freeCode(transaction: StateTransaction, siteName: string): Promise<SiteCode | undefined> {
    const { first, last } = this.#options.codes()
    const taken = await this.#takenCodes(transaction)
    const lent = await transaction.local(lentCodes).selectAll().execute()
    const start = createHash('sha256').update(siteName).digest().readUInt16BE(0)
    const count = last - first + 1
    for (let step = 0; step < count; step++) {
      const code = first + ((start + step) % count)
      if (!taken.has(code) && !lent.some((range) => isIn(code, range))) return code
    }
    return undefined
  }
}

function isIn(code: SiteCode, { first, last }: SiteCodes): boolean {
  return code >= first && code <= last
}

/** From the end, where the codes of a few sites are as rare as anywhere. */
function freeRange(isTaken: (code: SiteCode) => boolean): SiteCodes | undefined {
  for (const size of RANGE_SIZES) {
    let free = 0
    for (let code = allSiteCodes.last; code >= allSiteCodes.first; code--) {
      free = isTaken(code) ? 0 : free + 1
      if (free === size) return { first: code, last: code + size - 1 }
    }
  }
  return undefined
}
