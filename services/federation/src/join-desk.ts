/** Where new sites are admitted: join tokens, names and site codes, all in the store of the site that holds the cloud's key. */

import { createHash } from 'node:crypto'
import type { SiteCode } from '@atoll/kit'
import { SITE_CODE_MAX } from '@atoll/kit'
import type { JoinClaim, JoinTokenRecord, JoinTokenStore, SpendOutcome } from '@atoll/overlay'
import type { State } from '@atoll/state'
import { joinTokens, siteNames } from './tables.ts'

export class JoinDesk implements JoinTokenStore {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
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
      if (token?.claimed_by != null) {
        return token.claimed_by === siteName && token.claimed_key_hash === publicKeyHash
          ? 'spent'
          : 'token_used'
      }
      const taken = await transaction
        .local(siteNames)
        .select('name')
        .where('name', '=', siteName)
        .executeTakeFirst()
      if (taken) return 'site_taken'
      const codes = await transaction.local(siteNames).select('code').execute()
      const code = freeCode(siteName, new Set(codes.map((row) => row.code)))
      await transaction.queries.insertInto(siteNames.name).values({ name: siteName, code }).execute()
      await transaction.queries
        .updateTable(joinTokens.name)
        .set({ claimed_by: siteName, claimed_key_hash: publicKeyHash })
        .where('id', '=', tokenId)
        .execute()
      return 'spent'
    })
  }

  /** The code that was given to a site with its name. */
  async codeOf(siteName: string): Promise<SiteCode | undefined> {
    const row = await this.#state
      .local(siteNames)
      .select('code')
      .where('name', '=', siteName)
      .executeTakeFirst()
    return row?.code
  }
}

// Starts from a hash of the name, so that the ids of one cloud do not read like another's.
function freeCode(siteName: string, taken: ReadonlySet<SiteCode>): SiteCode {
  let code = createHash('sha256').update(siteName).digest().readUInt16BE(0)
  while (code === 0 || taken.has(code)) code = (code + 1) % (SITE_CODE_MAX + 1)
  return code
}
