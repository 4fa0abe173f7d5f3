/**
 * Where a login is performed. Normally where it was asked; but what an administrator may do counts elsewhere only in
 * the token of a site that the default domain trusts, so that theirs are issued at the home of that domain, and here
 * only when it cannot be reached.
 */

import type { Writes } from '@atoll/http'
import type { Identity } from '../identity.ts'
import { identityScope } from '../identity.ts'
import { DEFAULT_DOMAIN_ID, domains, roleAssignments, roles } from '../records.ts'
import { needTrust } from '../roles/implied.ts'
import type { AuthRequest } from './auth-schema.ts'
import { findUser } from './authenticate.ts'

/** What a login writes: nothing, or at the home of the default domain, or here. @throws Unauthorized, BadRequest */
export async function writesOfLogin(identity: Identity, request: AuthRequest): Promise<Writes | undefined> {
  if (identity.tokens.isTrustedBy(DEFAULT_DOMAIN_ID)) return undefined
  const userId = await askingUser(identity, request)
  if (userId === undefined || !(await needsTrustedSite(identity, userId))) return undefined
  return { kind: 'record', table: domains.name, id: DEFAULT_DOMAIN_ID, orHere: true }
}

/** Who asks, not believed yet. Undefined when nobody is named, or by a token that the home would not take. */
async function askingUser(
  { state, tokens }: Identity,
  { identity: { methods, password, token } }: AuthRequest,
): Promise<string | undefined> {
  if (methods.includes('token') && token) {
    const shown = tokens.verify(token.id)
    return tokens.isTrustedBy(DEFAULT_DOMAIN_ID, shown) ? shown.userId : undefined
  }
  if (!methods.includes('password') || !password) return undefined
  return (await findUser(state, password.user))?.id
}

/** Whatever the scope: a token without one may be exchanged for one with it. */
async function needsTrustedSite({ state }: Identity, userId: string): Promise<boolean> {
  const grants = await state
    .select(identityScope, roleAssignments)
    .select('role_id')
    .where('user_id', '=', userId)
    .where('domain_id', '=', DEFAULT_DOMAIN_ID)
    .execute()
  if (grants.length === 0) return false
  const ids = grants.map(({ role_id }) => role_id)
  const granted = await state
    .select(identityScope, roles)
    .select('name')
    .where('id', 'in', ids)
    .where('domain_id', 'is', null)
    .execute()
  return needTrust(granted.map(({ name }) => name))
}
