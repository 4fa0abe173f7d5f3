/** How much an image may carry: Glance's own defaults. */

import { LimitExceeded } from '../errors.ts'

const maxima = { properties: 128, tags: 128, 'members for this image': 128 } as const

/** @throws LimitExceeded */
export function requireWithin(what: keyof typeof maxima, attempted: number): void {
  const maximum = maxima[what]
  if (attempted > maximum) throw LimitExceeded({ what, attempted, maximum })
}
