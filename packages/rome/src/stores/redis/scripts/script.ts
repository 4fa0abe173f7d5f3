/** A script as a client knows it: by the hash that Redis keeps it under, and by its text where Redis does not have it yet. */

import { createHash } from 'node:crypto'

export interface Script {
  readonly sha1: string
  readonly source: string
}

/**
 * With a first line of flags, Redis refuses a script before its first line runs when it has no memory left (unless the
 * script says that it needs none) or when it is a replica: nothing is ever half done, nothing stale is read (Redis 7.0, "Script flags").
 */
export function defineScript(flags: '' | 'allow-oom', ...parts: readonly string[]): Script {
  const head = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  const source = `${head}\n${parts.join('').replace(/^\s+/gm, '')}`
  return { sha1: createHash('sha1').update(source).digest('hex'), source }
}
