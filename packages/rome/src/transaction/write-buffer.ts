/** What a group of transactions has written and not committed yet, with a journal to take the last part back. */

import { SortedMap } from '../collections/sorted-map.ts'
import type { Cell } from '../execute/workspace.ts'
import type { ByteString, Space, Write } from '../stores/key-value/key-value-store.ts'

export interface Buffered {
  readonly write: Write
  /** Undefined when the write is a deletion. */
  readonly cell: Cell | undefined
}

interface Undo {
  readonly space: Space
  readonly key: ByteString
  readonly before: Buffered | undefined
}

export class WriteBuffer {
  readonly #spaces = new Map<Space, SortedMap<Buffered>>()
  readonly #journal: Undo[] = []
  #size = 0
  #bytes = 0

  /** How many keys are written. */
  get size(): number {
    return this.#size
  }

  /** Of their keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  space(name: Space): SortedMap<Buffered> | undefined {
    return this.#spaces.get(name)
  }

  write(write: Write): void {
    const { space, key, value } = write
    const before = this.#spaces.get(space)?.get(key)
    this.#journal.push({ space, key, before })
    this.#set(space, key, { write, cell: value === null ? undefined : { bytes: value, row: undefined } })
  }

  mark(): number {
    return this.#journal.length
  }

  rollBackTo(mark: number): void {
    while (this.#journal.length > mark) {
      const undo = this.#journal.pop()
      if (undo) this.#set(undo.space, undo.key, undo.before)
    }
  }

  toWrites(): Write[] {
    const writes: Write[] = []
    for (const space of this.#spaces.values())
      for (const key of space.keysBetween('', '\u0100')) {
        const buffered = space.get(key)
        if (buffered) writes.push(buffered.write)
      }
    return writes
  }

  #set(name: Space, key: ByteString, next: Buffered | undefined): void {
    let space = this.#spaces.get(name)
    if (!space) {
      space = new SortedMap()
      this.#spaces.set(name, space)
    }
    const before = space.get(key)
    if (before) {
      this.#size--
      this.#bytes -= bytesOf(before)
    }
    if (!next) {
      space.delete(key)
      return
    }
    this.#size++
    this.#bytes += bytesOf(next)
    space.set(key, next)
  }
}

function bytesOf({ write: { key, value } }: Buffered): number {
  return key.length + (value?.length ?? 0)
}
