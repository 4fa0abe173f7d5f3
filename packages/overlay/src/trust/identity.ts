/**
 * Who a certificate speaks for, as a SPIFFE ID (https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/):
 *
 *     spiffe://<cloud>                            the cloud authority, trust anchor of all sites
 *     spiffe://<cloud>/site/<site>                a site, which may issue certificates to its own peers only
 *     spiffe://<cloud>/site/<site>/peer/<peer>    one peer
 */

import { NameInvalid } from './errors.ts'

export interface CloudIdentity {
  readonly cloud: string
}

export interface SiteIdentity extends CloudIdentity {
  readonly site: string
}

export interface PeerIdentity extends SiteIdentity {
  readonly peer: string
}

/** A DNS label in lower case (RFC 1123): it stands unescaped in URIs, host names, paths and certificates. */
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

export function isName(text: string): boolean {
  return namePattern.test(text)
}

/** @throws NameInvalid unless every name is a lower-case DNS label of 1 to 63 characters */
export function requireNames(names: Readonly<Record<string, string>>): void {
  for (const [what, name] of Object.entries(names)) {
    if (!isName(name)) throw NameInvalid({ what, name })
  }
}

export function cloudUri({ cloud }: CloudIdentity): string {
  return `spiffe://${cloud}`
}

export function siteUri({ cloud, site }: SiteIdentity): string {
  return `spiffe://${cloud}/site/${site}`
}

export function peerUri({ cloud, site, peer }: PeerIdentity): string {
  return `spiffe://${cloud}/site/${site}/peer/${peer}`
}

/** The subject of a certificate (X.501), attributes in order: for TLS, which finds issuers by it, and for people. */
export type SubjectName = Readonly<Record<'O' | 'OU' | 'CN', string>>

export function cloudName({ cloud }: CloudIdentity): SubjectName {
  return { O: 'Atoll', OU: 'cloud', CN: cloud }
}

export function siteName({ site }: SiteIdentity): SubjectName {
  return { O: 'Atoll', OU: 'site', CN: site }
}

export function peerName({ peer }: PeerIdentity): SubjectName {
  return { O: 'Atoll', OU: 'peer', CN: peer }
}

/** The identity that `uri` spells exactly as `cloudUri` writes it, else undefined. */
export function parseCloudUri(uri: string): CloudIdentity | undefined {
  const [cloud] = segmentsOf(uri, 'spiffe://*') ?? []
  return cloud === undefined ? undefined : { cloud }
}

/** The identity that `uri` spells exactly as `siteUri` writes it, else undefined. */
export function parseSiteUri(uri: string): SiteIdentity | undefined {
  const [cloud, site] = segmentsOf(uri, 'spiffe://*/site/*') ?? []
  return cloud === undefined || site === undefined ? undefined : { cloud, site }
}

/** The identity that `uri` spells exactly as `peerUri` writes it, else undefined. */
export function parsePeerUri(uri: string): PeerIdentity | undefined {
  const [cloud, site, peer] = segmentsOf(uri, 'spiffe://*/site/*/peer/*') ?? []
  return cloud === undefined || site === undefined || peer === undefined ? undefined : { cloud, site, peer }
}

/** The names at the stars of `shape`, or undefined when `uri` has another shape or holds what is no name. */
function segmentsOf(uri: string, shape: string): string[] | undefined {
  const expected = shape.split('/')
  const found = uri.split('/')
  if (found.length !== expected.length) return undefined
  const names: string[] = []
  for (const [index, segment] of found.entries()) {
    if (expected[index] === '*') {
      if (!isName(segment)) return undefined
      names.push(segment)
    } else if (segment !== expected[index]) return undefined
  }
  return names
}
