/** How long certificates live, and when to renew them. */

import type { X509Certificate } from 'node:crypto'

const dayMs = 86_400_000

export interface ValiditySettings {
  /**
   * How far the wall clocks of two machines may differ. A certificate starts that much before it is made, so that
   * a machine whose clock is behind accepts it at once. Larger: a stolen clock buys little; smaller: joins fail.
   */
  readonly clockSkewMsMax: number
  /**
   * A site renews its peers itself, at 2/3 of this; the last third is how long a failing renewal may stay unseen.
   * peerLifeMs = 3 * (days until an operator looks). Shorter bounds what a stolen peer key is worth.
   */
  readonly peerLifeMs: number
  /**
   * Renewed by the holder of the cloud authority, so the last third must outlast the longest time a site is cut
   * off or dormant: siteLifeMs = 3 * (longest absence).
   */
  readonly siteLifeMs: number
  /** Replacing it touches every site: cloudLifeMs = many * siteLifeMs. */
  readonly cloudLifeMs: number
}

export const defaultValidity: ValiditySettings = Object.freeze({
  clockSkewMsMax: 600_000,
  peerLifeMs: 3 * 7 * dayMs,
  siteLifeMs: 3 * 365 * dayMs,
  cloudLifeMs: 20 * 365 * dayMs,
})

/** A span of wall-clock time, in milliseconds since the epoch, both ends included. */
export interface Validity {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** The validity of a certificate made at `nowMs`; it never outlives its issuer. X.509 counts whole seconds. */
export function validityFrom(options: {
  readonly nowMs: number
  readonly lifeMs: number
  readonly clockSkewMsMax: number
  readonly issuer?: Validity
}): Validity {
  const { nowMs, lifeMs, clockSkewMsMax, issuer } = options
  const wholeSecond = (timeMs: number) => Math.floor(timeMs / 1000) * 1000
  return {
    notBeforeMs: wholeSecond(nowMs - clockSkewMsMax),
    notAfterMs: wholeSecond(Math.min(nowMs + lifeMs, issuer?.notAfterMs ?? Number.POSITIVE_INFINITY)),
  }
}

export function validityOf(certificate: X509Certificate): Validity {
  return {
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  }
}

/** True from 2/3 of the life of a certificate on: time enough left for many more attempts. */
export function isRenewalDue({ notBeforeMs, notAfterMs }: Validity, nowMs: number): boolean {
  return nowMs >= notBeforeMs + (2 / 3) * (notAfterMs - notBeforeMs)
}
