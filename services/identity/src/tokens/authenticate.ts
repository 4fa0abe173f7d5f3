/**
 * Who is there, and for what: from a password or another token to a token with a scope. Whatever is wrong (no such
 * user, wrong password, disabled, no role), the answer is the same 401 and takes as long.
 */

import { BadRequest, Unauthorized } from '@atoll/http'
import type { Row } from '@atoll/rome'
import type { Reader } from '@atoll/state'
import { MethodUnsupported } from '../errors.ts'
import { type Identity, identityScope, requirePasswordSize } from '../identity.ts'
import { domains, projects, users } from '../records.ts'
import { type GrantTarget, rolesOf } from '../role-assignments/app.ts'
import type { AuthRequest, DomainReference, ScopeRequest, UserReference } from './auth-schema.ts'
import type { IssuedToken, Token } from './tokens.ts'

type User = Row<typeof users>

/** @throws Unauthorized, MethodUnsupported, BadRequest, TooBusy */
export async function authenticate(identity: Identity, request: AuthRequest): Promise<IssuedToken> {
  const { user, from, methods } = await identify(identity, request)
  const target = await scopeOfRequest(identity.state, user, request.scope, from)
  const roles = target ? await rolesOf(identity.state, user.id, target) : []
  if (target && roles.length === 0) throw refuse('the user has no role there')
  return identity.tokens.issue({
    userId: user.id,
    userDomainId: user.domain_id,
    projectId: target?.kind === 'project' ? target.id : null,
    projectDomainId: target?.kind === 'project' ? target.domainId : null,
    domainId: target?.kind === 'domain' ? target.id : null,
    roleNames: roles.map(({ name }) => name),
    methods,
    from,
  })
}

interface Identified {
  readonly user: User
  readonly methods: readonly string[]
  /** The token that was shown, when one was. */
  readonly from: Token | undefined
}

async function identify(identity: Identity, { identity: asked }: AuthRequest): Promise<Identified> {
  let user: User | undefined
  let from: Token | undefined
  for (const method of new Set(asked.methods)) {
    let found: User
    if (method === 'password' && asked.password) {
      found = await userByPassword(identity, asked.password.user)
    } else if (method === 'token' && asked.token) {
      from = identity.tokens.verify(asked.token.id)
      found = await enabledUser(identity.state, await identity.state.find(identityScope, users, from.userId))
    } else if (method === 'password' || method === 'token') {
      throw BadRequest({ message: `Expecting to find ${method} in identity.` })
    } else {
      throw MethodUnsupported({})
    }
    if (user && user.id !== found.id) throw refuse('the methods name different users')
    user = found
  }
  if (!user) throw refuse('no method')
  return { user, from, methods: [...new Set([...(from?.methods ?? []), ...asked.methods])] }
}

async function userByPassword(
  { state, passwords }: Identity,
  reference: UserReference & { readonly password: string },
): Promise<User> {
  requirePasswordSize(reference.password)
  const user = await findUser(state, reference)
  // The hash comes first, whatever else is wrong, so that time tells nothing.
  if (!(await passwords.verify(reference.password, user?.password_hash ?? null)))
    throw refuse('unknown user or wrong password')
  return enabledUser(state, user)
}

async function enabledUser(reader: Reader, user: User | undefined): Promise<User> {
  if (!user?.enabled) throw refuse('the user is disabled or gone')
  const domain = await reader.find(identityScope, domains, user.domain_id)
  if (!domain?.enabled) throw refuse("the user's domain is disabled or gone")
  return user
}

/** The user whom a reference names, enabled or not. @throws BadRequest when it names nobody */
export async function findUser(
  reader: Reader,
  { id, name, domain }: UserReference,
): Promise<User | undefined> {
  if (id !== undefined) return reader.find(identityScope, users, id)
  if (name === undefined) throw BadRequest({ message: 'Expecting to find name or id in user.' })
  if (!domain) throw BadRequest({ message: 'Expecting to find domain in user.' })
  const domainId = (await findDomain(reader, domain))?.id
  if (domainId === undefined) return undefined
  return reader
    .select(identityScope, users)
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .orderBy('id')
    .executeTakeFirst()
}

async function findDomain(reader: Reader, { id, name }: DomainReference) {
  if (id !== undefined) return reader.find(identityScope, domains, id)
  if (name === undefined) throw BadRequest({ message: 'Expecting to find name or id in domain.' })
  return reader
    .select(identityScope, domains)
    .selectAll()
    .where('name', '=', name)
    .orderBy('id')
    .executeTakeFirst()
}

/** Undefined for no scope. Without a word about it, the default project is the scope, if the user has a role there. */
async function scopeOfRequest(
  reader: Reader,
  user: User,
  scope: ScopeRequest | undefined,
  from: Token | undefined,
): Promise<GrantTarget | undefined> {
  if (scope?.unscoped) return undefined
  if (scope?.project) return projectTarget(await findProject(reader, scope.project), reader)
  if (scope?.domain) {
    const domain = await findDomain(reader, scope.domain)
    if (!domain?.enabled) throw refuse('the domain is disabled or gone')
    return { kind: 'domain', id: domain.id, domainId: domain.id, name: domain.name }
  }
  const defaultId = from ? null : user.default_project_id
  const project = defaultId === null ? undefined : await reader.find(identityScope, projects, defaultId)
  if (!project?.enabled) return undefined
  const domain = await reader.find(identityScope, domains, project.domain_id)
  const target = { kind: 'project', id: project.id, domainId: project.domain_id, name: project.name } as const
  return domain?.enabled && (await rolesOf(reader, user.id, target)).length > 0 ? target : undefined
}

async function findProject(reader: Reader, { id, name, domain }: UserReference) {
  if (id !== undefined) return reader.find(identityScope, projects, id)
  if (name === undefined) throw BadRequest({ message: 'Expecting to find name or id in project.' })
  if (!domain) throw BadRequest({ message: 'Expecting to find domain in project.' })
  const domainId = (await findDomain(reader, domain))?.id
  if (domainId === undefined) return undefined
  return reader
    .select(identityScope, projects)
    .selectAll()
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .orderBy('id')
    .executeTakeFirst()
}

async function projectTarget(
  project: Row<typeof projects> | undefined,
  reader: Reader,
): Promise<GrantTarget> {
  const domain = project && (await reader.find(identityScope, domains, project.domain_id))
  if (!project?.enabled || !domain?.enabled) throw refuse('the project or its domain is disabled or gone')
  return { kind: 'project', id: project.id, domainId: domain.id, name: project.name }
}

function refuse(reason: string) {
  return Unauthorized({}, { cause: new Error(`authentication refused: ${reason}`) })
}
