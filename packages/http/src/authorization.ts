/** Who a verified token speaks for. Made by the identity service only; never from a client's header. */

import { cloudScope, projectScope, type Scope } from '@atoll/state'

export interface Authorization {
  readonly userId: string
  readonly userDomainId: string
  /** The project the token is scoped to; null for a domain-scoped or unscoped token. */
  readonly projectId: string | null
  readonly domainId: string | null
  /** Names of roles, implied ones included. */
  readonly roles: readonly string[]
  /** Names the token in logs and revocations without giving it away. */
  readonly auditId: string
  readonly expiresAtMs: number
}

/** Verifies a token's text. Rejects with an error of status 401 for anything but a good one. */
export type VerifyToken = (token: string) => Authorization | Promise<Authorization>

/** OpenStack's administrator: the role `admin` on any project, as the default policies have it. */
export function isAdministrator(authorization: Authorization): boolean {
  return authorization.roles.includes('admin')
}

/** What the bearer of the token may see. */
export function scopeOf(authorization: Authorization): Scope {
  return isAdministrator(authorization)
    ? cloudScope('administrator')
    : projectScope(authorization.projectId, authorization.userId)
}
