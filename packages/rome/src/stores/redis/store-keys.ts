/** What the keys of a store are called in Redis. The braces put all that a script touches into one slot of a cluster. */

export interface LogKeys {
  readonly meta: string
  readonly log: string
  /** Hash: the names of spaces by their prefix. */
  readonly spaces: string
}

export interface DataKeys {
  readonly keys: string
  readonly rows: string
}

export function logKeys(namespace: string): LogKeys {
  return {
    meta: `{${namespace}}meta`,
    log: `{${namespace}}log`,
    spaces: `{${namespace}}spaces`,
  }
}

export function dataKeys(tag: string): DataKeys {
  return { keys: `{${tag}}keys`, rows: `{${tag}}rows` }
}
