/**
 * Lending shares to other sites. When nothing is free, what borrowers hold and do not use is called back, so that a
 * limit is used up only when it is used up in the whole cloud, or where somebody cannot be reached.
 */

import type { Logger } from '@atoll/kit'
import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import {
  cloudScope,
  heldShare,
  lendAmount,
  lendNumbers,
  type Share,
  ShareExhausted,
  type State,
  shares,
  takeBack,
} from '@atoll/state'
import { Type } from 'typebox'
import type { Freshness } from './freshness.ts'
import { callPeer, PeerRefused } from './peer-client.ts'

const scope = cloudScope('lending of shares')

const ReturnAnswer = Type.Object({ returned: Type.Integer({ minimum: 0 }) })

export interface Loan {
  readonly resource: string
  readonly borrower: string
  readonly wanted: number
  /** To have something at hand, for nobody yet: what others have at hand is not called back for that. */
  readonly isInAdvance?: boolean
}

export interface LenderOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly freshness: Freshness
  readonly log: Logger
}

export class Lender {
  readonly #options: LenderOptions

  constructor(options: LenderOptions) {
    this.#options = options
  }

  /** Lends of what is kept here; answers with the borrower's share after that. @throws ShareExhausted */
  async lend(loan: Loan): Promise<Share> {
    try {
      return await this.#lendFree(loan)
    } catch (error) {
      if (!ShareExhausted.is(error) || loan.isInAdvance) throw error
      const { resource, borrower, wanted } = loan
      // Half of what is free is lent, so twice as much is called back.
      if ((await this.recall(resource, 2 * wanted, borrower)) === 0) throw error
      return this.#lendFree(loan)
    }
  }

  /**
   * Calls back up to `wanted` of what was lent, from those who hold the most, `except` one. Answers how much came
   * back. Those who cannot be reached keep what they have, since they may be spending it.
   */
  async recall(resource: string, wanted: number, except?: string): Promise<number> {
    const { state, freshness } = this.#options
    const lent = await state
      .select(scope, shares)
      .selectAll()
      .where('resource', '=', resource)
      .where('home', '=', state.site.name)
      .where('borrower', '!=', state.site.name)
      .where('amount', '>', 0)
      .orderBy('amount', 'desc')
      .execute()
    let collected = 0
    for (const { borrower } of lent) {
      if (collected >= wanted) break
      if (borrower === except || !freshness.isReachable(borrower)) continue
      collected += await this.#recallFrom(borrower, resource, wanted - collected)
    }
    return collected
  }

  #lendFree(loan: Loan): Promise<Share> {
    return this.#options.state.attempt(async (transaction) => {
      const own = await heldShare(transaction, loan.resource)
      const isNumbered = (own?.ranges.length ?? 0) > 0
      return isNumbered ? lendNumbers(transaction, loan) : lendAmount(transaction, loan)
    })
  }

  async #recallFrom(borrower: string, resource: string, wanted: number): Promise<number> {
    const { state, transport, log } = this.#options
    try {
      const { returned } = await callPeer(transport, {
        site: borrower,
        method: 'POST',
        path: '/peer/v1/shares/return',
        body: { resource, wanted },
        answer: ReturnAnswer,
        workMs: 1000,
      })
      return await state.transaction((transaction) => takeBack(transaction, { resource, borrower, returned }))
    } catch (error) {
      if (!PeerUnreachable.is(error) && !(error instanceof PeerRefused)) throw error
      log.info({ resource, borrower, err: error }, 'a share could not be called back')
      return 0
    }
  }
}
