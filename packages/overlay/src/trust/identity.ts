/**
 * Who a certificate speaks for, as a SPIFFE ID (https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/):
 *
 *     spiffe://<cloud>                            the cloud authority, trust anchor of all sites
 *     spiffe://<cloud>/site/<site>                a site, which may issue certificates to its own peers only
 *     spiffe://<cloud>/site/<site>/peer/<peer>    one peer
 *     spiffe://<cloud>/site/<site>/admits         a site as the one that admits others, under names of its own:
 *                                                 `<site>--<label>`, so that no two sites can ever give the same
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

export function admitterUri({ cloud, site }: SiteIdentity): string {
  return `spiffe://${cloud}/site/${site}/admits`
}

/** What stands between the name of a site that admits and the label of one that it has admitted. */
const ADMITTED = '--'

/** The name of a site that `admitter` admits. */
export function admittedName(admitter: string, label: string): string {
  return `${admitter}${ADMITTED}${label}`
}

/** The site that has admitted `site`, judged by its name; undefined for one that the cloud itself has admitted. */
export function admitterOf(site: string): string | undefined {
  const at = site.lastIndexOf(ADMITTED)
  if (at < 0) return undefined
  const admitter = site.slice(0, at)
  return isName(admitter) && isName(site.slice(at + ADMITTED.length)) ? admitter : undefined
}

/**
 * The subject of a certificate (X.501), attributes in order: for TLS, which finds issuers by it, and for people. Whatever stems
 * from a site that admits lies below that site's own name, which the constraint in its certificate lets OpenSSL check.
 */
export type SubjectName = readonly (readonly [attribute: 'O' | 'OU' | 'CN', value: string])[]

export function cloudName({ cloud }: CloudIdentity): SubjectName {
  return subject(['OU', 'cloud'], ['CN', cloud])
}

export function siteName({ site }: Pick<SiteIdentity, 'site'>): SubjectName {
  const admitter = admitterOf(site)
  return admitter === undefined
    ? plainSiteName({ site })
    : [...admitterName({ site: admitter }), ['CN', site]]
}

/** As `siteName` of a site that the cloud itself has admitted, whatever its name looks like. */
export function plainSiteName({ site }: Pick<SiteIdentity, 'site'>): SubjectName {
  return subject(['OU', 'site'], ['CN', site])
}

export function admitterName({ site }: Pick<SiteIdentity, 'site'>): SubjectName {
  return subject(['OU', 'site'], ['OU', site])
}

export function peerName({ site, peer }: PeerIdentity): SubjectName {
  const admitter = admitterOf(site)
  if (admitter === undefined) return subject(['OU', 'peer'], ['CN', peer])
  return [...admitterName({ site: admitter }), ['OU', 'peer'], ['CN', peer]]
}

function subject(...attributes: SubjectName): SubjectName {
  return [['O', 'Atoll'], ...attributes]
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

/** The identity that `uri` spells exactly as `admitterUri` writes it, else undefined. */
export function parseAdmitterUri(uri: string): SiteIdentity | undefined {
  const [cloud, site] = segmentsOf(uri, 'spiffe://*/site/*/admits') ?? []
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
