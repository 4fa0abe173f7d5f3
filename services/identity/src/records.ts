/** The records of identity. Ids are 32 hexadecimal digits, as Keystone writes them; `default` is the founding domain. */

import { boolean, integer, json, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

/** The domain of the cloud itself: its administrators are the cloud's, its home keeps what all share. */
export const DEFAULT_DOMAIN_ID = 'default'

export const domains = defineRecord(
  'domains',
  {
    name: text(),
    description: text(),
    enabled: boolean(true),
    /** Names of the sites that may be the home of this domain's users, projects and grants. */
    sites: json<readonly string[]>([]),
  },
  { audience: 'everyone', ids: 'given', authority: () => DEFAULT_DOMAIN_ID, indexes: [['name']] },
)

export const projects = defineRecord(
  'projects',
  {
    name: text(),
    domain_id: text(),
    description: text(),
    enabled: boolean(true),
    parent_id: text().nullable(),
    tags: json<readonly string[]>([]),
    /** Names of the sites where this project's records may be stored; null for everywhere. */
    kept_at: json<readonly string[] | null>(null).nullable(),
    /** Attributes that Keystone does not know: kept and shown as they came. */
    extra: json<Readonly<Record<string, unknown>>>({}),
  },
  { audience: 'everyone', authority: (row) => row.domain_id, indexes: [['domain_id', 'name']] },
)

export const users = defineRecord(
  'users',
  {
    name: text(),
    domain_id: text(),
    description: text(),
    email: text().nullable(),
    enabled: boolean(true),
    default_project_id: text().nullable(),
    /** PHC string of the scrypt hash (`$scrypt$ln=…,r=…,p=…$salt$hash`); null for a user without a password. */
    password_hash: text().nullable(),
    /** Tokens issued before are void: set when the password changes. Milliseconds since the Unix epoch. */
    tokens_valid_from_ms: integer(),
    /** Attributes that Keystone does not know: kept and shown as they came. */
    extra: json<Readonly<Record<string, unknown>>>({}),
  },
  { audience: 'everyone', authority: (row) => row.domain_id, indexes: [['domain_id', 'name']] },
)

export const roles = defineRecord(
  'roles',
  { name: text(), domain_id: text().nullable(), description: text() },
  { audience: 'everyone', authority: (row) => row.domain_id ?? DEFAULT_DOMAIN_ID, indexes: [['name']] },
)

/** A grant: a user has a role on a project or on a domain. The domain of the target decides who may write it. */
export const roleAssignments = defineRecord(
  'role_assignments',
  {
    role_id: text(),
    user_id: text(),
    target_kind: text<'project' | 'domain'>('project'),
    target_id: text(),
    domain_id: text(),
  },
  {
    audience: 'everyone',
    authority: (row) => row.domain_id,
    indexes: [['user_id'], ['target_id', 'user_id'], ['role_id']],
  },
)

/**
 * What makes tokens void. Written at any site, obeyed at all. May be forgotten once every token that it concerns
 * would have expired anyway.
 */
export const revocations = defineRecord(
  'revocations',
  {
    /**
     * The audit id of one token; or the id of a user, project or domain that was deleted; or `user:target` where a
     * grant was withdrawn, or `role:name` of a role that is gone. All tokens that it names are void.
     */
    audit_id: text(),
    /** Only tokens issued before are void; null for all, whenever they were issued. Milliseconds since the epoch. */
    issued_before_ms: integer().nullable(),
    expires_at_ms: integer(),
  },
  { indexes: [['audit_id'], ['expires_at_ms']] },
)

export const identityRecords = [
  domains,
  projects,
  users,
  roles,
  roleAssignments,
  revocations,
] as unknown as readonly RecordTable[]
