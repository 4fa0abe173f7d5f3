/** Where everything lies: all keys of a store begin with its namespace. */

import type { ByteString, Position, Space } from '../key-value/key-value-store.ts'

export class EtcdKeys {
  /** Position and number of the latest commit. */
  readonly head: ByteString
  readonly #log: ByteString
  readonly #spaces: ByteString

  constructor(namespace: string) {
    const prefix = Buffer.from(`${namespace}/`, 'utf8').toString('latin1')
    this.head = `${prefix}head`
    this.#log = `${prefix}log/`
    this.#spaces = `${prefix}space/`
  }

  /** The entry that leads to a position; in the order of positions. */
  entry(position: Position): ByteString {
    return `${this.#log}${String(position).padStart(16, '0')}`
  }

  /** Behind every entry. */
  get entriesEnd(): ByteString {
    return `${this.#log}:`
  }

  /** Before all keys of a space; names of spaces hold no NUL. */
  space(space: Space): ByteString {
    return `${this.#spaces}${Buffer.from(space, 'utf8').toString('latin1')}\x00`
  }
}
