/**
 * Ids are UUIDs (RFC 9562, version 4 and variant bits kept) that carry the code of the site which minted them
 * in the first two bytes of the node field: `xxxxxxxx-xxxx-4xxx-yxxx-SSSSxxxxxxxx`. A peer that has never seen
 * a record thus knows whom to ask. 90 bits stay random.
 */

import type { Random } from './random.ts'

/** A UUID in lower case, with a type-level tag of what it names. */
export type Id<Kind extends string = string> = string & { readonly kind?: Kind }

/** 1 … 65535; unique in a cloud, given to a site when it is founded or joins. */
export type SiteCode = number

export const SITE_CODE_MAX = 0xffff

/** Mints an id at the site with `siteCode`. */
export function mintId<Kind extends string>(random: Random, siteCode: SiteCode): Id<Kind> {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  bytes.writeUInt16BE(siteCode, 10)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id<Kind>
}

/** The code of the site that minted `id`, or undefined when it is no UUID. A client's own UUID gives noise. */
export function siteCodeOf(id: string): SiteCode | undefined {
  return isUuid(id) ? Number.parseInt(id.replaceAll('-', '').slice(20, 24), 16) : undefined
}

/** True for the canonical form and for 32 digits without dashes, as Keystone writes its ids. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)
}

/** Keystone's form of an id: 32 digits, no dashes. The site's code stands at the same digits. */
export function undashed<Kind extends string>(id: Id<Kind>): Id<Kind> {
  return id.replaceAll('-', '') as Id<Kind>
}
