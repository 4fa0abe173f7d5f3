/**
 * Places on the ring. A key has 128 bits: the first half says the site, the second the host of it, so that the hosts of one
 * site lie side by side and whoever walks along the ring sees a whole site before the next.
 *
 *     hash of the site's name (64 bits)   hash of the host's name (64 bits); zero for the site itself
 *
 * Everybody computes keys from names, and the transport proves names: nobody chooses a place.
 */

import { createHash } from 'node:crypto'

/** 32 hexadecimal digits: they compare as text as they do as numbers. */
export type RingKey = string & { readonly kind: 'ring key' }

const HALF_DIGITS = 16
const DIGITS = 2 * HALF_DIGITS
const BITS = BigInt(4 * DIGITS)

/** Every message names a dozen sites, always the same: a look costs a tenth of a hash. */
const siteKeys = new Map<string, RingKey>()
const SITE_KEYS_MAX = 16_384

export function siteKey(site: string): RingKey {
  const known = siteKeys.get(site)
  if (known !== undefined) return known
  const key = (hash(`site ${site}`) + '0'.repeat(HALF_DIGITS)) as RingKey
  if (siteKeys.size >= SITE_KEYS_MAX) siteKeys.clear()
  siteKeys.set(site, key)
  return key
}

export function hostKey(site: string, host: string): RingKey {
  return (hash(`site ${site}`) + hash(`host ${host}`)) as RingKey
}

/** The key of anything else that is looked up, as the name of an image. */
export function keyOf(name: string): RingKey {
  return (hash(`name ${name}`) + hash(name)) as RingKey
}

/** True when `key` lies on the way from `after`, itself left out, to `upTo`, which counts; everything does when they are one. */
export function isWithin(
  key: RingKey,
  { after, upTo }: { readonly after: RingKey; readonly upTo: RingKey },
): boolean {
  if (after < upTo) return after < key && key <= upTo
  return after < key || key <= upTo
}

/** The key 2^`exponent` further along the ring; `exponent` is in [0, 127]. */
export function keyAfter(key: RingKey, exponent: number): RingKey {
  const sum = BigInt.asUintN(Number(BITS), BigInt(`0x${key}`) + (1n << BigInt(exponent)))
  return sum.toString(16).padStart(DIGITS, '0') as RingKey
}

/** Orders by the way from `start` along the ring; what lies at `start` comes last, as after a whole round. */
export function alongRing(start: RingKey): (left: RingKey, right: RingKey) => number {
  return (left, right) => {
    if (left === right) return 0
    const [isLeftWrapped, isRightWrapped] = [left <= start, right <= start]
    if (isLeftWrapped !== isRightWrapped) return isLeftWrapped ? 1 : -1
    return left < right ? -1 : 1
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HALF_DIGITS)
}
