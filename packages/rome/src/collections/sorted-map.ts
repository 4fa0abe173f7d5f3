/**
 * A map in order of its keys: a hash for points, and blocks of sorted keys for ranges. An insertion moves at most one block,
 * so that it costs as much as in a B-tree of two levels, in twenty lines.
 */

const BLOCK_MAX = 256

export interface KeysRequest {
  /** The first key, inclusive. */
  readonly from: string
  /** The end, exclusive. */
  readonly to: string
  readonly limit: number
  readonly isReversed: boolean
}

export class SortedMap<Value> {
  readonly #values = new Map<string, Value>()
  /** Sorted, each sorted and never empty. */
  readonly #blocks: string[][] = []

  get size(): number {
    return this.#values.size
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  set(key: string, value: Value): void {
    const before = this.#values.size
    this.#values.set(key, value)
    if (this.#values.size > before) this.#insert(key)
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false
    const index = this.#blockOf(key)
    const block = this.#blocks[index] ?? []
    block.splice(lowerBound(block, key), 1)
    if (block.length === 0) this.#blocks.splice(index, 1)
    return true
  }

  clear(): void {
    this.#values.clear()
    this.#blocks.length = 0
  }

  /** The keys in `[from, to)`, at most `limit`, counted from the end where the request begins. */
  keys(request: KeysRequest): string[] {
    return request.isReversed ? this.#descending(request) : this.#ascending(request)
  }

  /** Keys of `[from, to)` that there are, however many. */
  keysBetween(from: string, to: string): string[] {
    return this.#ascending({ from, to, limit: Number.POSITIVE_INFINITY, isReversed: false })
  }

  *allKeys(): IterableIterator<string> {
    for (const block of this.#blocks) yield* block
  }

  /** The last key before `key`, whether that is there or not. */
  lastBefore(key: string): string | undefined {
    const index = this.#blockOf(key)
    const block = this.#blocks[index]
    const at = block ? lowerBound(block, key) : 0
    return at > 0 ? block?.[at - 1] : this.#blocks[index - 1]?.at(-1)
  }

  #ascending({ from, to, limit }: KeysRequest): string[] {
    const found: string[] = []
    for (let index = this.#blockOf(from); index < this.#blocks.length; index++) {
      const block = this.#blocks[index] ?? []
      for (let at = found.length === 0 ? lowerBound(block, from) : 0; at < block.length; at++) {
        const key = block[at] ?? ''
        if (key >= to || found.length >= limit) return found
        found.push(key)
      }
    }
    return found
  }

  #descending({ from, to, limit }: KeysRequest): string[] {
    const found: string[] = []
    for (let index = Math.min(this.#blockOf(to), this.#blocks.length - 1); index >= 0; index--) {
      const block = this.#blocks[index] ?? []
      for (let at = (found.length === 0 ? lowerBound(block, to) : block.length) - 1; at >= 0; at--) {
        const key = block[at] ?? ''
        if (key < from || found.length >= limit) return found
        found.push(key)
      }
    }
    return found
  }

  #insert(key: string): void {
    if (this.#blocks.length === 0) {
      this.#blocks.push([key])
      return
    }
    const index = Math.min(this.#blockOf(key), this.#blocks.length - 1)
    const block = this.#blocks[index] ?? []
    block.splice(lowerBound(block, key), 0, key)
    if (block.length <= BLOCK_MAX) return
    // A block that grew at its end goes on growing there: leave it nearly full (keys in order of time are common).
    const isAppended = block.at(-1) === key && index === this.#blocks.length - 1
    this.#blocks.splice(index + 1, 0, block.splice(isAppended ? BLOCK_MAX - 1 : BLOCK_MAX >> 1))
  }

  // The first block of which the last key is not before `key`; the number of blocks when there is none.
  #blockOf(key: string): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#blocks[middle]?.at(-1) ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

// The first place of which the key is not before `key`.
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
