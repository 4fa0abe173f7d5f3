/**
 * A workspace in three layers: what this transaction wrote, over what the peer knows, with a log of what was read of the latter.
 *
 * It can be told to guess: then, where nobody knows, it answers as if the store had nothing, and notes that. The guess is
 * right for what most works miss: the keys of the rows that they insert.
 */

import { assert } from '@atoll/kit'
import type { Interval } from '../collections/interval-set.ts'
import type { SortedMap } from '../collections/sorted-map.ts'
import { type Cell, Missing, type RangeView, type Workspace } from '../execute/workspace.ts'
import { CATALOGUE_SPACE } from '../schema/layout.ts'
import type { ByteString, RangeRequest, Space, SpaceKey, Write } from '../stores/key-value/key-value-store.ts'
import { rowOf } from '../stores/key-value/row-of.ts'
import type { AssumedAbsent } from './assumed-absent.ts'
import type { Cache } from './cache.ts'
import type { Guesses, Wanted } from './guesses.ts'
import { mergeKeys } from './merge-keys.ts'
import type { ReadLog } from './read-log.ts'
import type { Buffered, WriteBuffer } from './write-buffer.ts'

const NOTHING: RangeView = Object.freeze({ keys: [], cells: [], isComplete: true })

export class LayeredWorkspace implements Workspace {
  readonly #cache: Cache
  readonly #buffer: WriteBuffer | undefined
  readonly #reads: ReadLog | undefined
  readonly #assumedAbsent: AssumedAbsent | undefined
  #guesses: Guesses | undefined

  /** Without a buffer it cannot be written to; without `reads` nothing is logged. */
  constructor(
    cache: Cache,
    {
      buffer,
      reads,
      assumedAbsent,
    }: { buffer?: WriteBuffer; reads?: ReadLog; assumedAbsent?: AssumedAbsent } = {},
  ) {
    this.#cache = cache
    this.#assumedAbsent = assumedAbsent
    this.#buffer = buffer
    this.#reads = reads
  }

  /** Where to note guesses from now on; without it, what is missing is `Missing`. */
  guessInto(guesses: Guesses | undefined): void {
    this.#guesses = guesses
  }

  cells(space: Space, keys: readonly ByteString[]): readonly (Cell | undefined)[] {
    const cells: (Cell | undefined)[] = []
    let missing: SpaceKey[] | undefined
    for (const key of keys) {
      const cell = this.#cell(space, key)
      if (cell === undefined) {
        missing ??= []
        missing.push({ space, key })
      }
      cells.push(cell ?? undefined)
    }
    if (missing) this.#guessOrThrow(space, { keys: missing, ranges: [] })
    return cells
  }

  range(request: RangeRequest): RangeView {
    const { space, from, to, limit, isReversed, rowsOf } = request
    if (from >= to) return NOTHING
    const written = this.#buffer?.space(space)
    const reach = this.#cache.space(space)?.reach(request)
    let keys = reach ? this.#keysWithin(reach, request, written) : []
    let isWhole = reach !== undefined && reach.from <= from && reach.to >= to
    if (keys.length < limit && !isWhole) {
      const rest = restOf(request, reach)
      const missing = { ...rest, limit: Math.max(1, limit - keys.length + deletions(written, rest)) }
      this.#guessOrThrow(space, { keys: [], ranges: [missing] })
      keys = this.#keysWithin(request, request, written)
      isWhole = true
    }
    const isComplete = isWhole && keys.length <= limit
    if (keys.length > limit) keys.length = limit
    const cells = rowsOf === null ? this.#ownCells(space, keys) : this.#rowCells(rowsOf, keys)
    const last = keys.at(-1) ?? from
    if (isComplete) this.#reads?.addRange(space, from, to)
    else if (isReversed) this.#reads?.addRange(space, last, to)
    else this.#reads?.addRange(space, from, `${last}\x00`)
    return { keys, cells, isComplete }
  }

  ranges(requests: readonly RangeRequest[]): readonly RangeView[] {
    const views: RangeView[] = []
    const missing: Missing[] = []
    for (const request of requests)
      try {
        views.push(this.range(request))
      } catch (error) {
        if (!(error instanceof Missing)) throw error
        missing.push(error)
      }
    if (missing.length === 0) return views
    throw new Missing({
      keys: missing.flatMap(({ keys }) => keys),
      ranges: missing.flatMap(({ ranges }) => ranges),
    })
  }

  write(write: Write): void {
    assert(this.#buffer, 'a query that only reads has written')
    this.#buffer.write(write)
  }

  // Undefined when nobody knows, null when there is none.
  #cell(space: Space, key: ByteString): Cell | null | undefined {
    const buffered = this.#buffer?.space(space)?.get(key)
    if (buffered) return buffered.cell ?? null
    if (this.#assumedAbsent?.has(space, key)) return null
    const cell = this.#cache.space(space)?.cell(key)
    if (cell !== undefined || this.#guesses) this.#reads?.addKey(space, key)
    return cell
  }

  // The catalogue is not guessed: what is made of it is kept.
  #guessOrThrow(space: Space, missing: Wanted): void {
    if (!this.#guesses || space === CATALOGUE_SPACE) throw new Missing(missing)
    this.#guesses.add(missing)
  }

  // One more than the limit, when there is one: that tells whether a range is complete.
  #keysWithin(
    reach: { from: ByteString; to: ByteString },
    { space, limit, isReversed }: RangeRequest,
    written: SortedMap<Buffered> | undefined,
  ): ByteString[] {
    const within = { ...reach, isReversed }
    const known = this.#cache.space(space)
    const own = written?.keys({ ...within, limit: Number.POSITIVE_INFINITY }) ?? []
    const deleted = own.filter((key) => !written?.get(key)?.cell).length
    const stored = known?.keys({ ...within, limit: limit + 1 + deleted }) ?? []
    if (own.length === 0) return stored
    const isThere = (key: ByteString) => {
      const buffered = written?.get(key)
      return !buffered || buffered.cell !== undefined
    }
    return mergeKeys(stored, own, { isReversed, isThere, limit: limit + 1 })
  }

  // The reads of these are those of their range.
  #ownCells(space: Space, keys: readonly ByteString[]): Cell[] {
    const [written, known] = [this.#buffer?.space(space), this.#cache.space(space)]
    return keys.map((key) => {
      const cell = written?.get(key)?.cell ?? known?.cell(key)
      assert(cell, 'a key of a known interval has no cell')
      return cell
    })
  }

  #rowCells(space: Space, entries: readonly ByteString[]): Cell[] {
    const keys = entries.map((entry) => rowOf(space, entry).key)
    return this.cells(space, keys).map((cell) => {
      // Of a row that was guessed to be absent, and cannot be, there is nothing to show: what comes of it will not count.
      if (!cell && this.#guesses) return { bytes: '[]', row: undefined }
      assert(cell, `an index points to a row of ${space} that does not exist`)
      return cell
    })
  }
}

function deletions(
  written: SortedMap<Buffered> | undefined,
  range: { from: ByteString; to: ByteString },
): number {
  if (!written || written.size === 0) return 0
  return written.keysBetween(range.from, range.to).filter((key) => !written.get(key)?.cell).length
}

// The part of a range that is beyond what is known of it.
function restOf(request: RangeRequest, reach: Interval | undefined): RangeRequest {
  if (!reach) return request
  return request.isReversed ? { ...request, to: reach.from } : { ...request, from: reach.to }
}
