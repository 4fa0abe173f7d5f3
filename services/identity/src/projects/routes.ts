/** `/v3/projects` and their tags. */

import { BadRequest, type Context, type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import { IdentityNotFound } from '../errors.ts'
import { mergeExtra } from '../extra.ts'
import {
  type AnyContext,
  defined,
  describe,
  domainOfCaller,
  type Identity,
  identityScope,
  requireRow,
} from '../identity.ts'
import { type ListQuery, listQuery, listRecords } from '../lists.ts'
import { domains, projects, users } from '../records.ts'
import { targetIdsOf } from '../role-assignments/app.ts'
import { BODY_BYTES_MAX, nameSchema, noOptions, nullableId, nullableText, tagsSchema } from '../schemas.ts'
import { createProject, deleteProject, updateProject } from './app.ts'
import { noSites, parseKeptAt, requireLeavable, SITES_ATTRIBUTE } from './kept-at.ts'
import { type Project, viewProject } from './view.ts'

const attributes = {
  description: Type.Optional(nullableText),
  enabled: Type.Optional(Type.Boolean()),
  is_domain: Type.Optional(Type.Boolean()),
  domain_id: Type.Optional(nullableId),
  parent_id: Type.Optional(nullableId),
  tags: Type.Optional(tagsSchema),
  options: Type.Optional(noOptions),
  [SITES_ATTRIBUTE]: Type.Optional(nullableText),
}
const created = Type.Object({ project: Type.Object({ ...attributes, name: nameSchema }) })
const updated = Type.Object({ project: Type.Object({ ...attributes, name: Type.Optional(nameSchema) }) })
/** Attributes with a meaning, or which the server alone decides. */
const known = [...Object.keys(attributes), 'name', 'id', 'links']

const target = (row: Pick<Project, 'domain_id'> & { readonly id?: string }) => ({
  'target.project.id': row.id,
  'target.project.domain_id': row.domain_id,
})

const record = ({ params }: AnyContext) =>
  ({ kind: 'record', table: projects.name, id: params.project_id ?? '' }) as const

export function projectEndpoints(identity: Identity): readonly Endpoint[] {
  const { state, tokens, recordSites = noSites } = identity
  const rowOf = async (context: AnyContext, rule: string): Promise<Project> => {
    const { project_id: id = '' } = context.params
    const row = await state.find(identityScope, projects, id)
    return requireRow(context, rule, row, {
      target,
      missing: () => IdentityNotFound({ kind: 'project', id }),
    })
  }
  const domainIdOf = (context: Context<unknown, { project: { domain_id?: string | null } }>) =>
    context.body.project.domain_id ?? domainOfCaller(context)
  return [
    ...listEndpoints(identity),
    endpoint({
      method: 'POST',
      path: '/v3/projects',
      rule: 'identity:authenticated',
      body: created,
      bodyLimitBytes: BODY_BYTES_MAX,
      status: 201,
      writes: (context) => ({ kind: 'record', table: domains.name, id: domainIdOf(context) }),
      handle: async (context) => {
        const { project } = context.body
        const domainId = domainIdOf(context)
        context.authorize('identity:create_project', target({ domain_id: domainId }))
        if (project.is_domain === true)
          throw BadRequest({ message: 'A project that acts as a domain is made as a domain.' })
        const row = await createProject(state, {
          name: project.name,
          description: project.description ?? '',
          enabled: project.enabled ?? true,
          tags: project.tags ?? [],
          kept_at: parseKeptAt(project[SITES_ATTRIBUTE], recordSites) ?? null,
          domainId,
          parentId: project.parent_id ?? null,
          extra: mergeExtra({}, project, known),
        })
        return { project: viewProject(context, row) }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/projects/:project_id',
      rule: 'identity:authenticated',
      handle: async (context) => ({
        project: viewProject(context, await rowOf(context, 'identity:get_project')),
      }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/v3/projects/:project_id',
      rule: 'identity:authenticated',
      body: updated,
      bodyLimitBytes: BODY_BYTES_MAX,
      writes: (context) => record(context),
      handle: async (context) => {
        const current = await rowOf(context, 'identity:update_project')
        const { project } = context.body
        requireUnchanged(current, project)
        const { name, description, enabled, tags } = project
        const kept_at = parseKeptAt(project[SITES_ATTRIBUTE], recordSites)
        await requireLeavable(current, kept_at, recordSites)
        const row = await updateProject(
          state,
          current.id,
          defined({ name, description: describe(description), enabled, tags, kept_at }),
          { unknown: project, known },
        )
        await tokens.settled()
        return { project: viewProject(context, row) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/v3/projects/:project_id',
      rule: 'identity:authenticated',
      status: 204,
      writes: record,
      handle: async (context) => {
        const { id } = await rowOf(context, 'identity:delete_project')
        await deleteProject(state, id)
        await tokens.settled()
      },
    }),
    ...tagEndpoints(identity, rowOf),
  ]
}

function listEndpoints({ state }: Identity): readonly Endpoint[] {
  const list = (context: AnyContext, narrowed: { where?: { domain_id: string }; ids?: readonly string[] }) =>
    listRecords(context, state, {
      table: projects,
      collection: 'projects',
      filters: ['name', 'domain_id', 'parent_id'],
      hasEnabled: true,
      keep: (row) => hasTags(row, context.query as ListQuery),
      view: (row) => viewProject(context, row),
      ...narrowed,
    })
  return [
    endpoint({
      method: 'GET',
      path: '/v3/projects',
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) => {
        const { domainId } = context.authorization
        context.authorize('identity:list_projects', { 'target.domain_id': domainId })
        return list(context, context.allows('admin_required') ? {} : { where: { domain_id: domainId ?? '' } })
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/users/:user_id/projects',
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) => {
        const { user_id: id = '' } = context.params
        const user = requireRow(
          context,
          'identity:list_user_projects',
          await state.find(identityScope, users, id),
          {
            target: (row) => ({ 'target.user.id': row.id, 'target.user.domain_id': row.domain_id }),
            missing: () => IdentityNotFound({ kind: 'user', id }),
          },
        )
        return list(context, { ids: await targetIdsOf(state, user.id, 'project') })
      },
    }),
  ]
}

function tagEndpoints(
  { state }: Identity,
  rowOf: (context: AnyContext, rule: string) => Promise<Project>,
): readonly Endpoint[] {
  const replace = async (context: AnyContext, tags: readonly string[]) => {
    const { id } = await rowOf(context, 'identity:update_project')
    return updateProject(state, id, { tags }, { unknown: {}, known })
  }
  const path = '/v3/projects/:project_id/tags'
  const view = ({ baseUrl }: AnyContext, { id, tags }: Project) => ({
    tags,
    links: { self: `${baseUrl}/v3/projects/${id}/tags`, previous: null, next: null },
  })
  return [
    endpoint({
      method: 'GET',
      path,
      rule: 'identity:authenticated',
      handle: async (context) => view(context, await rowOf(context, 'identity:get_project')),
    }),
    endpoint({
      method: 'PUT',
      path,
      rule: 'identity:authenticated',
      body: Type.Object({ tags: tagsSchema }),
      bodyLimitBytes: BODY_BYTES_MAX,
      writes: (context) => record(context),
      handle: async (context) => view(context, await replace(context, context.body.tags)),
    }),
    endpoint({
      method: 'DELETE',
      path,
      rule: 'identity:authenticated',
      status: 204,
      writes: record,
      handle: async (context) => {
        await replace(context, [])
      },
    }),
  ]
}

/** Tags are JSON in the store, so the store cannot filter by them. */
function hasTags({ tags }: Project, query: ListQuery): boolean {
  const list = (text: string | undefined) => (text === undefined ? undefined : text.split(','))
  const [all, any] = [list(query.tags), list(query['tags-any'])]
  const [notAll, notAny] = [list(query['not-tags']), list(query['not-tags-any'])]
  const has = (tag: string) => tags.includes(tag)
  return (all?.every(has) ?? true) && (any?.some(has) ?? true) && !notAll?.every(has) && !notAny?.some(has)
}

function requireUnchanged(
  current: Project,
  asked: { domain_id?: string | null; parent_id?: string | null; is_domain?: boolean },
): void {
  const parentId = current.parent_id ?? current.domain_id
  if (asked.domain_id !== undefined && asked.domain_id !== current.domain_id)
    throw BadRequest({ message: 'Domain ID is immutable.' })
  if (asked.parent_id !== undefined && asked.parent_id !== null && asked.parent_id !== parentId)
    throw BadRequest({ message: 'Update of `parent_id` is not allowed.' })
  if (asked.is_domain === true) throw BadRequest({ message: 'Update of `is_domain` is not allowed.' })
}
