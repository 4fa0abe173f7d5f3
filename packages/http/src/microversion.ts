/**
 * Microversions, as the API special interest group has them
 * (https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html).
 */

import { defineError } from '@atoll/kit'

/** `2.90` as a number that compares: major * 1000 + minor. */
export type Microversion = number

export interface MicroversionRange {
  /** The word in `OpenStack-API-Version: <word> 2.90`. */
  readonly serviceType: string
  /** Nova's older header, which carries the version alone. */
  readonly legacyHeader?: string
  readonly min: string
  readonly max: string
}

export const MalformedVersion = defineError({
  code: 'http.microversion.malformed',
  status: 400,
  fault: 'badRequest',
  message: ({ version }: { version: string }) =>
    `API Version String ${version} is of invalid format. Must be of format MajorNum.MinorNum.`,
})

export const UnsupportedVersion = defineError({
  code: 'http.microversion.unsupported',
  status: 406,
  fault: 'computeFault',
  message: ({ version, min, max }: { version: string; min: string; max: string }) =>
    `Version ${version} is not supported by the API. Minimum is ${min} and maximum is ${max}.`,
})

/** @throws MalformedVersion */
export function parseMicroversion(text: string): Microversion {
  const match = /^([1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text)
  if (!match) throw MalformedVersion({ version: text.slice(0, 32) })
  return Number(match[1]) * 1000 + Number(match[2])
}

export function formatMicroversion(version: Microversion): string {
  return `${Math.trunc(version / 1000)}.${version % 1000}`
}

/** The version that the request's headers ask for. @throws MalformedVersion, UnsupportedVersion */
export function negotiateMicroversion(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  range: MicroversionRange,
): Microversion {
  const asked = askedVersion(headers, range)
  if (asked === undefined) return parseMicroversion(range.min)
  if (asked === 'latest') return parseMicroversion(range.max)
  const version = parseMicroversion(asked)
  if (version < parseMicroversion(range.min) || version > parseMicroversion(range.max)) {
    throw UnsupportedVersion({ version: asked, min: range.min, max: range.max })
  }
  return version
}

// The new header may list several services, comma-joined; one that names others only asks nothing of us.
function askedVersion(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  { serviceType, legacyHeader }: MicroversionRange,
): string | undefined {
  const entries = [headers['openstack-api-version'] ?? []].flat().join(',').split(',')
  for (const entry of entries) {
    const [service, version, ...rest] = entry.trim().split(/\s+/)
    if (service?.toLowerCase() === serviceType) return [version ?? '', ...rest].join(' ')
  }
  const legacy = legacyHeader && headers[legacyHeader.toLowerCase()]
  return legacy ? [legacy].flat()[0]?.trim() : undefined
}
