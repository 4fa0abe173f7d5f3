/**
 * What a token says, and how it is written in the payload of its JWS: ids, and the names of roles, so that whoever
 * has the signer's public key can act on it without a store. Registered names as in RFC 7519 §4.1.
 */

export interface TokenClaims {
  readonly userId: string
  readonly userDomainId: string
  readonly projectId: string | null
  /** The domain that the project belongs to. */
  readonly projectDomainId: string | null
  /** For a token scoped to a domain. */
  readonly domainId: string | null
  /** Names of the roles as granted, without the implied ones. */
  readonly roleNames: readonly string[]
  readonly methods: readonly string[]
  /** The token's own, and that of the first one of its chain when it was made from another token. */
  readonly auditIds: readonly [string, ...string[]]
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

interface Payload {
  readonly sub: string
  readonly user_domain: string
  readonly project?: string
  readonly project_domain?: string
  readonly domain?: string
  readonly roles: readonly string[]
  readonly methods: readonly string[]
  readonly audit_ids: readonly [string, ...string[]]
  /** Seconds since the epoch, with milliseconds as fraction. */
  readonly iat: number
  readonly exp: number
}

export function writeClaims(claims: TokenClaims): Buffer {
  const payload: Payload = {
    sub: claims.userId,
    user_domain: claims.userDomainId,
    ...(claims.projectId !== null && { project: claims.projectId }),
    ...(claims.projectDomainId !== null && { project_domain: claims.projectDomainId }),
    ...(claims.domainId !== null && { domain: claims.domainId }),
    roles: claims.roleNames,
    methods: claims.methods,
    audit_ids: claims.auditIds,
    iat: claims.issuedAtMs / 1000,
    exp: claims.expiresAtMs / 1000,
  }
  return Buffer.from(JSON.stringify(payload))
}

/** Undefined when the payload has another form. Members of a newer version are ignored. */
export function readClaims(bytes: Buffer): TokenClaims | undefined {
  const payload = parse(bytes)
  if (!isPayload(payload)) return undefined
  const { project = null, project_domain = null, domain = null } = payload
  if ((project === null) !== (project_domain === null) || (project !== null && domain !== null))
    return undefined
  return {
    userId: payload.sub,
    userDomainId: payload.user_domain,
    projectId: project,
    projectDomainId: project_domain,
    domainId: domain,
    roleNames: payload.roles,
    methods: payload.methods,
    auditIds: payload.audit_ids,
    issuedAtMs: Math.round(payload.iat * 1000),
    expiresAtMs: Math.round(payload.exp * 1000),
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function isPayload(value: unknown): value is Payload {
  const { sub, user_domain, project, project_domain, domain, roles, methods, audit_ids, iat, exp } = Object(
    value,
  ) as Record<string, unknown>
  return (
    [sub, user_domain].every(isText) &&
    [project, project_domain, domain].every((id) => id === undefined || isText(id)) &&
    [roles, methods, audit_ids].every((list) => Array.isArray(list) && list.every(isText)) &&
    (audit_ids as unknown[]).length > 0 &&
    [iat, exp].every(Number.isFinite)
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
