/** Where new peers of this site are admitted: tokens and names, in the store that the peers share, so that any of them does it. */

import type { PeerTokenRecord, PeerTokenStore } from '@atoll/overlay'
import type { State } from '@atoll/state'
import type { Membership } from './membership.ts'
import { peers, peerTokens } from './tables.ts'

export class PeerDesk implements PeerTokenStore {
  readonly #state: State
  readonly #membership: Pick<Membership, 'isAlive'>

  constructor(state: State, membership: Pick<Membership, 'isAlive'>) {
    this.#state = state
    this.#membership = membership
  }

  async add({ id, secretHash, peerName, expiresAtMs }: PeerTokenRecord): Promise<void> {
    const row = { id, secret_hash: secretHash, peer_name: peerName ?? null, expires_at_ms: expiresAtMs }
    await this.#state.transaction(({ queries }) =>
      queries
        .insertInto(peerTokens.name)
        .values({ ...row, claimed_by: null, claimed_key_hash: null })
        .execute(),
    )
  }

  async find(id: string): Promise<PeerTokenRecord | undefined> {
    const row = await this.#state.local(peerTokens).selectAll().where('id', '=', id).executeTakeFirst()
    if (!row) return undefined
    const { secret_hash: secretHash, peer_name, expires_at_ms: expiresAtMs } = row
    return { id, secretHash, peerName: peer_name ?? undefined, expiresAtMs }
  }

  spend(claim: Parameters<PeerTokenStore['spend']>[0]): ReturnType<PeerTokenStore['spend']> {
    const { tokenId, peerName, publicKeyHash } = claim
    return this.#state.transaction(async (transaction) => {
      const token = await transaction
        .local(peerTokens)
        .selectAll()
        .where('id', '=', tokenId)
        .executeTakeFirst()
      if (token?.claimed_by != null)
        return token.claimed_by === peerName && token.claimed_key_hash === publicKeyHash
          ? 'spent'
          : 'token_used'
      // A name is free again when its peer is silent: a machine that was lost may be replaced by another of its name.
      if (this.#membership.isAlive(peerName)) return 'peer_taken'
      const claims = await transaction
        .local(peerTokens)
        .selectAll()
        .where('claimed_by', '=', peerName)
        .execute()
      const known = await transaction
        .local(peers)
        .select('name')
        .where('name', '=', peerName)
        .executeTakeFirst()
      if (claims.length > 0 && !known) return 'peer_taken'
      await transaction.queries
        .updateTable(peerTokens.name)
        .set({ claimed_by: peerName, claimed_key_hash: publicKeyHash })
        .where('id', '=', tokenId)
        .execute()
      return 'spent'
    })
  }
}
