/** Who keeps what a lost site kept: its heir, or, where that is lost too, the heir's. */

import type { SiteCode } from '@atoll/kit'
import type { Ed25519PublicJwk } from '@atoll/overlay'
import type { Row } from '@atoll/rome'
import type { siteRevocations } from './records.ts'

/** A believed word that a site is lost for good, and who takes over. */
export interface Retirement {
  readonly site: string
  readonly heir: string
  readonly retiredAtMs: number
  /** As the lost site had said, if it was known where this was written. */
  readonly code: SiteCode | undefined
  readonly signingKey: Ed25519PublicJwk | null
  readonly signingKeyId: string
}

type Revocation = Pick<
  Row<typeof siteRevocations>,
  'site' | 'heir' | 'retired_at' | 'code' | 'signing_key' | 'signing_key_id'
>

/** Those of the revocations that name an heir. */
export function retirementsIn(revocations: readonly Revocation[]): readonly Retirement[] {
  return revocations.flatMap(({ site, heir, retired_at, code, signing_key, signing_key_id }) =>
    heir === null
      ? []
      : {
          site,
          heir,
          retiredAtMs: retired_at ?? Number.POSITIVE_INFINITY,
          code: code ?? undefined,
          signingKey: signing_key,
          signingKeyId: signing_key_id ?? '',
        },
  )
}

/**
 * The heirs that one site was given, whoever counts first: the earliest, by name where two are of one moment. Everybody who
 * knows two of them orders them alike.
 */
export function heirsInOrder(retirements: readonly Retirement[]): readonly string[] {
  const ordered = retirements.toSorted(
    (left, right) => left.retiredAtMs - right.retiredAtMs || (left.heir < right.heir ? -1 : 1),
  )
  return [...new Set(ordered.map(({ heir }) => heir))]
}

/** So many sites that are lost one after the other, each the heir of the former, are followed. */
const HEIRS_MAX = 16

/**
 * From `site` by way of heirs that were retired too to one that lives. Only `site` itself where that leads nowhere: since its heir
 * was shut out without one, or since two sites were made each other's.
 */
export function successionOf(
  site: string,
  {
    heirsOf,
    isShutOut,
  }: { heirsOf: (site: string) => readonly string[]; isShutOut: (site: string) => boolean },
): readonly string[] {
  const visited = new Set<string>()
  const wayFrom = (from: string): readonly string[] | undefined => {
    if (!isShutOut(from)) return [from]
    if (visited.has(from) || visited.size > HEIRS_MAX) return undefined
    visited.add(from)
    for (const heir of heirsOf(from)) {
      const rest = wayFrom(heir)
      if (rest) return [from, ...rest]
    }
    return undefined
  }
  return wayFrom(site) ?? [site]
}
