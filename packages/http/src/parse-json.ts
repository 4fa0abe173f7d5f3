/** Reads a JSON body (RFC 8259), of which every store can keep each text and no library takes a name for a prototype. */

import { isUtf8 } from 'node:buffer'
import { BadRequest } from './errors.ts'

/** @throws SyntaxError for what is no JSON in UTF-8; BadRequest for a text or a name that cannot be kept as it is */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new SyntaxError('not in UTF-8')
  return JSON.parse(bytes.toString('utf8'), refuseUnkeepable)
}

// PostgreSQL has no NUL in texts, and no encoding of Unicode has half of a surrogate pair.
function refuseUnkeepable(key: string, value: unknown): unknown {
  if (key === '__proto__') {
    throw BadRequest({ message: "Additional properties are not allowed ('__proto__' was unexpected)" })
  }
  for (const text of [key, value]) {
    if (typeof text !== 'string') continue
    if (text.includes('\0')) throw BadRequest({ message: 'NUL characters are not allowed in a request body' })
    if (!text.isWellFormed()) throw BadRequest({ message: 'A text in the request body is not valid Unicode' })
  }
  return value
}
