/** Shutting a site out of the cloud for good. What it kept stays where it is; retiring it hands that on. */

import type { State, Trust } from '@atoll/state'
import type { Directory } from './directory.ts'
import { CannotRevoke } from './errors.ts'
import { siteRevocations, withoutHeir } from './records.ts'

export interface RevocationRequest {
  readonly site: string
  readonly reason: string
}

export interface RevocationOptions {
  readonly state: State
  readonly directory: Directory
  readonly trust: Trust
  readonly root: { readonly domainId: string }
}

/** @throws CannotRevoke */
export async function revokeSite(
  { state, directory, trust, root }: RevocationOptions,
  { site, reason }: RevocationRequest,
): Promise<void> {
  const own = state.site.name
  if (site === own) throw CannotRevoke({ site, reason: 'it is this very site' })
  if (!directory.find(site)) throw CannotRevoke({ site, reason: 'nobody here knows it' })
  if (directory.isRevoked(site) && !directory.isHearsay(site)) return
  const kept = directory.admittedBy(site)
  await state.transaction(async (transaction) => {
    if (!(await trust.hasAuthority(root.domainId, own, transaction)))
      throw CannotRevoke({ site, reason: `${own} is not trusted with the default domain` })
    await transaction.insert(siteRevocations, {
      ...withoutHeir,
      site,
      domain_id: root.domainId,
      reason,
      kept,
    })
  })
}
