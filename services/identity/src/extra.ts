/**
 * Keystone keeps attributes of users and projects that it does not know, shows them as they came, and forgets one
 * that is set to null. So do we, within a bound.
 */

import { BadRequest } from '@atoll/http'

export type Extra = Readonly<Record<string, unknown>>

const EXTRA_BYTES_MAX = 16 * 1024

/** The unknown attributes of `body` over those kept before. @throws BadRequest when they become too large */
export function mergeExtra(kept: Extra, body: object, known: readonly string[]): Extra {
  const merged: Record<string, unknown> = { ...kept }
  for (const [name, value] of Object.entries(body)) {
    if (known.includes(name)) continue
    if (value === null) delete merged[name]
    else merged[name] = value
  }
  if (JSON.stringify(merged).length > EXTRA_BYTES_MAX)
    throw BadRequest({ message: `Unknown attributes together are longer than ${EXTRA_BYTES_MAX} bytes.` })
  return merged
}
