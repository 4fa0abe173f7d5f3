/** Looks: what fits goes with the question for news in one transaction; the rest is read at the same revision. */

import { assert } from '@atoll/kit'
import type { Look, Position, RangeRequest, RangeResult, Sight } from '../key-value/key-value-store.ts'
import { rowOf } from '../key-value/row-of.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import {
  chunksOf,
  fromBase64,
  type Operation,
  type RangeOperation,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
  toBase64,
} from './etcd-messages.ts'
import { type Head, readNews } from './news.ts'

export interface EtcdLooksOptions {
  readonly keys: EtcdKeys
  readonly entriesMax: number
  readonly ask: (request: TxnRequest) => Promise<TxnResponse>
}

/** Room for the news beside what was asked for. */
const FIRST_MAX = 120

export class EtcdLooks {
  readonly #options: EtcdLooksOptions

  constructor(options: EtcdLooksOptions) {
    this.#options = options
  }

  /** The head, and the entries behind `after`. */
  newsOperations(after: Position): readonly Operation[] {
    const { keys, entriesMax } = this.#options
    return [
      { requestRange: { key: toBase64(keys.head) } },
      {
        requestRange: {
          key: toBase64(keys.entry(after + 1)),
          range_end: toBase64(keys.entriesEnd),
          limit: entriesMax,
        },
      },
    ]
  }

  async look({ after, keys, ranges }: Look): Promise<{ readonly sight: Sight; readonly head: Head }> {
    const news = after === null ? this.newsOperations(0).slice(0, 1) : this.newsOperations(after)
    const wanted = [
      ...keys.map(({ space, key }) => ({ key: toBase64(this.#options.keys.space(space) + key) })),
      ...ranges.map((request) => this.#range(request)),
    ]
    const [first, rest] = [wanted.slice(0, FIRST_MAX), wanted.slice(FIRST_MAX)]
    const reply = await this.#options.ask({ success: [...news, ...first.map(asOperation)] })
    const { revision } = reply.header
    const answers = [
      ...(reply.responses ?? []).slice(news.length).map(({ response_range }) => response_range),
      ...(await this.#readAt(revision, rest)),
    ]
    const known = readNews(reply, after, this.#options.entriesMax)
    const found = await this.#rows(revision, ranges, answers.slice(keys.length))
    return {
      head: known,
      sight: {
        ...known,
        values: answers.slice(0, keys.length).map((answer) => {
          const [item] = answer?.kvs ?? []
          return item ? fromBase64(item.value) : null
        }),
        ranges: found,
      },
    }
  }

  #range({ space, from, to, limit, isReversed }: RangeRequest): RangeOperation {
    const prefix = this.#options.keys.space(space)
    // etcd would take an end before the begin for something else: an empty range is one key that nobody has.
    if (from >= to) return { key: toBase64(`${prefix.slice(0, -1)}\x01`), limit: 1 }
    const range = { key: toBase64(prefix + from), range_end: toBase64(prefix + to), limit }
    return isReversed ? { ...range, sort_order: 'DESCEND', sort_target: 'KEY' } : range
  }

  async #rows(
    revision: string,
    requests: readonly RangeRequest[],
    answers: readonly (RangeResponse | undefined)[],
  ): Promise<RangeResult[]> {
    const found = requests.map((request, index): RangeResult => {
      const { kvs = [], more = false } = answers[index] ?? {}
      const { length } = this.#options.keys.space(request.space)
      const names = kvs.map(({ key }) => fromBase64(key).slice(length))
      return { keys: names, values: kvs.map(({ value }) => fromBase64(value)), isComplete: !more }
    })
    const rows = found.flatMap(({ keys }, index) => {
      const rowsOf = requests[index]?.rowsOf ?? null
      return rowsOf === null ? [] : keys.map((key) => rowOf(rowsOf, key))
    })
    if (rows.length === 0) return found
    const answered = await this.#readAt(
      revision,
      rows.map(({ space, key }) => ({ key: toBase64(this.#options.keys.space(space) + key) })),
    )
    let at = 0
    return found.map((result, index) => {
      if (requests[index]?.rowsOf === null) return result
      const values = result.keys.map(() => {
        const item = answered[at++]?.kvs?.[0]
        assert(item, 'an index points to a row that does not exist')
        return fromBase64(item.value)
      })
      return { ...result, values }
    })
  }

  async #readAt(
    revision: string,
    operations: readonly RangeOperation[],
  ): Promise<(RangeResponse | undefined)[]> {
    const replies = await Promise.all(
      chunksOf(operations).map((chunk) =>
        this.#options.ask({ success: chunk.map((operation) => asOperation({ ...operation, revision })) }),
      ),
    )
    return replies.flatMap(({ responses = [] }) => responses.map(({ response_range }) => response_range))
  }
}

function asOperation(requestRange: RangeOperation): Operation {
  return { requestRange }
}
