/**
 * Which site codes a certificate stands for, as the range of autonomous system numbers of RFC 3779: the cloud authority has
 * them all, a site that admits others has a part, a site has one, and so have its peers. The analogy is exact (a number that
 * is delegated in ranges and names who speaks), and OpenSSL checks at every handshake that each range lies within the one above.
 */

import type { X509Certificate } from 'node:crypto'
import { SITE_CODE_MAX, type SiteCode } from '@atoll/kit'
import { DER, type DerValue, der, derInteger, integerOf, readDer } from './der.ts'

/** From `first` to `last`, both included. */
export interface SiteCodes {
  readonly first: SiteCode
  readonly last: SiteCode
}

/** RFC 3779 section 3: id-pe-autonomousSysIds. */
export const SITE_CODES_OID = '1.3.6.1.5.5.7.1.8'
const oidBytes = Buffer.from('2b06010505070108', 'hex')

export const allSiteCodes: SiteCodes = Object.freeze({ first: 1, last: SITE_CODE_MAX })

export function oneSiteCode(code: SiteCode): SiteCodes {
  return { first: code, last: code }
}

export function isWithin(inner: SiteCodes, outer: SiteCodes): boolean {
  return outer.first <= inner.first && inner.last <= outer.last
}

/** The value of the extension, DER: one number or one range. */
export function encodeSiteCodes({ first, last }: SiteCodes): Buffer {
  const range = first === last ? derInteger(first) : der(DER.sequence, derInteger(first), derInteger(last))
  return der(DER.sequence, der(DER.context(0), der(DER.sequence, range)))
}

/** What `encodeSiteCodes` has put into a certificate; undefined when it stands for no codes, or for what we never write. */
export function siteCodesOf(certificate: X509Certificate): SiteCodes | undefined {
  const value = extensionOf(certificate.raw)
  const [choice, ...others] = inside(value, DER.sequence, DER.context(0), DER.sequence) ?? []
  if (others.length > 0) return undefined
  const [first, last] =
    choice?.tag === DER.sequence
      ? (readDer(choice.content) ?? []).map(integerOf)
      : [integerOf(choice), integerOf(choice)]
  if (first === undefined || last === undefined || first < 1 || first > last) return undefined
  return { first, last }
}

/** RFC 5280 section 4.1: the extensions are the one part of a certificate with the tag [3]. */
function extensionOf(certificate: Buffer): Buffer | undefined {
  const parts = inside(certificate, DER.sequence, DER.sequence) ?? []
  const extensions = parts.find(({ tag }) => tag === DER.context(3))
  for (const { content } of inside(extensions?.content, DER.sequence) ?? []) {
    const [id, ...rest] = readDer(content) ?? []
    if (id?.tag === DER.objectIdentifier && id.content.equals(oidBytes))
      return rest.find(({ tag }) => tag === DER.octetString)?.content
  }
  return undefined
}

/** Opens one value within the other, each the first of what holds it. */
function inside(bytes: Buffer | undefined, ...tags: readonly number[]): readonly DerValue[] | undefined {
  let values = bytes && readDer(bytes)
  for (const tag of tags) {
    const first = values?.[0]
    if (first?.tag !== tag) return undefined
    values = readDer(first.content)
  }
  return values
}
