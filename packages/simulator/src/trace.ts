/** What happened in a run: the last lines to read, and a hash of all of them to compare two runs bit by bit. */

import { createHash, type Hash } from 'node:crypto'

export class Trace {
  readonly #lastMax: number
  readonly #hash: Hash = createHash('sha256')
  readonly #last: string[] = []
  #lines = 0

  /** @param lastMax how many lines are kept to be read; the hash covers all of them */
  constructor({ lastMax = 60 }: { readonly lastMax?: number } = {}) {
    this.#lastMax = lastMax
  }

  get lines(): number {
    return this.#lines
  }

  /** The latest lines, in order. */
  get last(): readonly string[] {
    return this.#last.slice(-this.#lastMax)
  }

  /** Adds a line. `unread` goes into the hash only: bodies and tables, too long to read. */
  add(line: string, ...unread: readonly (string | Uint8Array)[]): void {
    this.#lines++
    this.#hash.update(`${line}\n`)
    for (const part of unread) this.#hash.update(part)
    this.#last.push(line)
    if (this.#last.length > 2 * this.#lastMax) this.#last.splice(0, this.#lastMax)
  }

  /** Of everything so far, in hexadecimal; the trace goes on. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
