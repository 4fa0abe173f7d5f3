/** Grants under `/v3/projects/…` and `/v3/domains/…`, and the list of all at `/v3/role_assignments`. */

import { type Endpoint, endpoint } from '@atoll/http'
import type { Row } from '@atoll/rome'
import { IdentityNotFound } from '../errors.ts'
import { type AnyContext, type Identity, identityScope } from '../identity.ts'
import { isTrue, type ListQuery, listQuery, pageLinks, readPage, wholeList } from '../lists.ts'
import { domains, projects, roleAssignments, roles, users } from '../records.ts'
import { withImplied } from '../roles/implied.ts'
import { viewRole } from '../roles/view.ts'
import {
  createGrant,
  deleteGrant,
  findAssignment,
  findTarget,
  type Grant,
  type GrantTarget,
  grantMissing,
  type RoleAssignment,
  rolesOf,
  type TargetKind,
} from './app.ts'
import { isAlive, readReferences, viewRoleAssignment } from './view.ts'

export function roleAssignmentEndpoints(identity: Identity): readonly Endpoint[] {
  return [
    ...grantEndpoints(identity, 'project'),
    ...grantEndpoints(identity, 'domain'),
    listEndpoint(identity),
  ]
}

function grantEndpoints(identity: Identity, kind: TargetKind): readonly Endpoint[] {
  const { state, tokens } = identity
  const table = kind === 'project' ? projects : domains
  const path = `/v3/${kind}s/:target_id/users/:user_id/roles`
  return [
    endpoint({
      method: 'GET',
      path,
      rule: 'identity:authenticated',
      handle: async (context) => {
        const { user, target } = await requireUserAndTarget(identity, context, kind, 'identity:list_grants')
        const granted = await rolesOf(state, user.id, target)
        return wholeList(
          context,
          'roles',
          granted.map((role) => viewRole(context, role)),
        )
      },
    }),
    endpoint({
      method: 'PUT',
      path: `${path}/:role_id`,
      rule: 'identity:authenticated',
      status: 204,
      writes: ({ params }) => ({ kind: 'record', table: table.name, id: params.target_id ?? '' }),
      handle: async (context) => {
        await createGrant(state, await requireGrant(identity, context, kind, 'identity:create_grant'))
      },
    }),
    endpoint({
      method: 'HEAD',
      path: `${path}/:role_id`,
      rule: 'identity:authenticated',
      status: 204,
      handle: async (context) => {
        const grant = await requireGrant(identity, context, kind, 'identity:check_grant')
        if (!(await findAssignment(state, grant))) throw grantMissing(grant)
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:role_id`,
      rule: 'identity:authenticated',
      status: 204,
      writes: async ({ params }) => {
        const { target_id = '', user_id: userId = '', role_id: roleId = '' } = params
        const target = await findTarget(state, kind, target_id)
        const assignment = target && (await findAssignment(state, { roleId, userId, target }))
        return assignment && { kind: 'record', table: roleAssignments.name, id: assignment.id }
      },
      handle: async (context) => {
        await deleteGrant(state, await requireGrant(identity, context, kind, 'identity:revoke_grant'))
        await tokens.settled()
      },
    }),
  ]
}

interface Named {
  readonly user: Row<typeof users>
  readonly target: GrantTarget
  readonly role: Row<typeof roles> | undefined
}

/** Looks up what the path names, checks the rule, and only then says what does not exist. */
async function requireUserAndTarget(
  { state }: Identity,
  context: AnyContext,
  kind: TargetKind,
  rule: string,
): Promise<Named> {
  const { target_id = '', user_id = '', role_id = '' } = context.params
  const user = await state.find(identityScope, users, user_id)
  const target = await findTarget(state, kind, target_id)
  const role = await state.find(identityScope, roles, role_id)
  context.authorize(rule, {
    'target.user.domain_id': user?.domain_id,
    'target.scope.domain_id': target?.domainId,
    'target.role.name': role?.name,
  })
  if (!user) throw IdentityNotFound({ kind: 'user', id: user_id })
  if (!target) throw IdentityNotFound({ kind, id: target_id })
  return { user, target, role }
}

async function requireGrant(
  identity: Identity,
  context: AnyContext,
  kind: TargetKind,
  rule: string,
): Promise<Grant> {
  const { user, target, role } = await requireUserAndTarget(identity, context, kind, rule)
  if (!role) throw IdentityNotFound({ kind: 'role', id: context.params.role_id ?? '' })
  return { roleId: role.id, userId: user.id, target }
}

function listEndpoint({ state }: Identity): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/v3/role_assignments',
    rule: 'identity:authenticated',
    query: listQuery,
    handle: async (context) => {
      const { domainId } = context.authorization
      context.authorize('identity:list_role_assignments', { 'target.domain_id': domainId })
      const query = context.query as ListQuery
      const { rows, hasMore } = await readPage(context, state, {
        table: roleAssignments,
        filters: [],
        sort: 'id',
        where: {
          ...(!context.allows('admin_required') && { domain_id: domainId ?? '' }),
          ...filtersOf(query),
        },
        ...(namesNothing(query) && { ids: [] }),
      })
      const flag = (name: string) => query[name] !== undefined && isTrue(query[name])
      const references = await readReferences(state, rows)
      const living = rows.filter((row) => isAlive(row, references))
      const shown = flag('effective') ? await withImpliedRoles(living) : living
      const named = flag('effective') ? await readReferences(state, shown) : references
      return {
        role_assignments: shown.map((row) =>
          viewRoleAssignment(context, row, { references: named, hasNames: flag('include_names') }),
        ),
        links: pageLinks(context, query, hasMore ? rows.at(-1)?.id : undefined),
      }
    },
  })

  /** Adds, for each assignment, one for each role that its role implies. */
  async function withImpliedRoles(assignments: readonly RoleAssignment[]): Promise<RoleAssignment[]> {
    const all = await state
      .select(identityScope, roles)
      .select(['id', 'name'])
      .where('domain_id', 'is', null)
      .execute()
    const idOf = new Map(all.map(({ id, name }) => [name, id]))
    const nameOf = new Map(all.map(({ id, name }) => [id, name]))
    const effective = assignments.flatMap((row) =>
      withImplied([nameOf.get(row.role_id) ?? '']).flatMap((name) => {
        const role_id = idOf.get(name)
        return role_id === undefined ? [] : [{ ...row, role_id }]
      }),
    )
    const keyOf = (row: RoleAssignment) => `${row.user_id} ${row.target_id} ${row.role_id}`
    return [...new Map(effective.map((row) => [keyOf(row), row])).values()]
  }
}

function filtersOf(query: ListQuery): { user_id?: string; role_id?: string; target_id?: string } {
  const target = query['scope.project.id'] ?? query['scope.domain.id']
  return {
    ...(query['user.id'] !== undefined && { user_id: query['user.id'] }),
    ...(query['role.id'] !== undefined && { role_id: query['role.id'] }),
    ...(target !== undefined && { target_id: target }),
  }
}

/** Filters for what is not offered find nothing. */
function namesNothing(query: ListQuery): boolean {
  return ['group.id', 'scope.system', 'scope.OS-INHERIT:inherited_to'].some(
    (name) => query[name] !== undefined,
  )
}
