/** Shares between sites: asking the lender for more, and keeping a little at hand for the day that the lender is cut off. */

import type { Logger } from '@atoll/kit'
import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import { cloudScope, type Share, type State, shares, type Trust } from '@atoll/state'
import type { Directory } from './directory.ts'
import type { Freshness } from './freshness.ts'
import type { Lender } from './lending.ts'
import { callPeer, PeerRefused, RowAnswer } from './peer-client.ts'

const scope = cloudScope('borrowing of shares')

/** Asking for more than is needed now saves the round trip of the next times. */
const GENEROSITY = 8

export interface BorrowerOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly trust: Trust
  /** Lends what is kept at this site, and calls it back when this site itself needs it. */
  readonly lender: Pick<Lender, 'recall'>
  readonly freshness: Pick<Freshness, 'isReachable'>
  readonly log: Logger
}

export class Borrower {
  readonly #options: BorrowerOptions
  readonly #underWay = new Map<string, Promise<boolean>>()

  constructor(options: BorrowerOptions) {
    this.#options = options
  }

  /** Gets at least `needed` more of `resource` from its lender; false when there is none or it cannot be reached. */
  borrow(resource: string, needed: number): Promise<boolean> {
    const running = this.#underWay.get(resource)
    if (running) return running
    const started = this.#ask(resource, needed * GENEROSITY).finally(() => this.#underWay.delete(resource))
    this.#underWay.set(resource, started)
    return started
  }

  /** Gets some of `resource` to have at hand, if its lender has that to spare. One caller at a time. */
  borrowInAdvance(resource: string, wanted: number): Promise<boolean> {
    return this.#ask(resource, wanted * GENEROSITY, true)
  }

  async #ask(resource: string, wanted: number, isInAdvance = false): Promise<boolean> {
    const { state, transport, freshness, trust, log } = this.#options
    const lender = await this.#lenderOf(resource)
    if (lender === undefined) return false
    if (isInAdvance && (lender === state.site.name || !freshness.isReachable(lender))) return false
    if (lender === state.site.name) return (await this.#options.lender.recall(resource, wanted)) > 0
    try {
      const { row } = await callPeer(transport, {
        site: lender,
        method: 'POST',
        path: '/peer/v1/shares',
        body: { resource, wanted, ...(isInAdvance && { in_advance: true }) },
        answer: RowAnswer,
        // The lender may have to call back from others first.
        workMs: 5000,
      })
      // The same row comes by the feed as well, often before this answer, and then nothing is left to apply. The cursor
      // stays, so that nothing before the row is skipped.
      const page = { home: lender, after: 0, upTo: 0, entries: [{ table: shares.name, row }] }
      return (await state.feed.apply(page, trust)).refused.length === 0
    } catch (error) {
      if (!PeerUnreachable.is(error) && !(error instanceof PeerRefused)) throw error
      log.info({ resource, lender, err: error }, 'a share could not be borrowed')
      return false
    }
  }

  /** Whoever lends the resource to anybody keeps it; before the first loan, the minter of the record that limits it; and the heir of one that is lost. */
  async #lenderOf(resource: string): Promise<string | undefined> {
    const { state, directory } = this.#options
    const share: Share | undefined = await state
      .select(scope, shares)
      .selectAll()
      .where('resource', '=', resource)
      .executeTakeFirst()
    const id = resource.slice(resource.indexOf(':') + 1)
    const lender = share?.home ?? (await state.homeOfAny(id)) ?? directory.minterOf(id)
    return lender === undefined ? undefined : directory.standInFor(lender)
  }
}
