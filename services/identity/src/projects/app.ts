/** What projects do. */

import { BadRequest } from '@atoll/http'
import { undashed } from '@atoll/kit'
import type { Reader, SiteNames, State } from '@atoll/state'
import { IdentityNotFound, NameTaken, ProjectHasChildren } from '../errors.ts'
import { type Extra, mergeExtra } from '../extra.ts'
import { identityScope, removeGrants, revokeAllOf } from '../identity.ts'
import { domains, projects } from '../records.ts'
import type { Project } from './view.ts'

export interface ProjectAttributes {
  readonly name: string
  readonly description: string
  readonly enabled: boolean
  readonly tags: readonly string[]
  readonly kept_at: SiteNames | null
}

export interface NewProject extends ProjectAttributes {
  readonly domainId: string
  /** The domain itself, or a project of it. */
  readonly parentId: string | null
  readonly extra: Extra
}

export async function createProject(
  state: State,
  { domainId, parentId, ...attributes }: NewProject,
): Promise<Project> {
  return state.transaction(async (transaction) => {
    if (!(await transaction.find(identityScope, domains, domainId)))
      throw IdentityNotFound({ kind: 'domain', id: domainId })
    await requireFreeName(transaction, attributes.name, domainId)
    const parent_id = parentId === domainId ? null : parentId
    if (parent_id !== null) await requireParent(transaction, parent_id, domainId)
    return transaction.insert(projects, {
      ...attributes,
      domain_id: domainId,
      parent_id,

      id: undashed(transaction.mintId()),
    })
  })
}

/** `unknown` is the client's body, whose attributes without a meaning here are kept; `known` names the others. */
export async function updateProject(
  state: State,
  id: string,
  changes: Partial<ProjectAttributes>,
  { unknown, known }: { unknown: object; known: readonly string[] },
): Promise<Project> {
  return state.transaction(async (transaction) => {
    const project = await transaction.find(identityScope, projects, id)
    if (!project) throw IdentityNotFound({ kind: 'project', id })
    if (changes.name !== undefined && changes.name !== project.name)
      await requireFreeName(transaction, changes.name, project.domain_id)
    return transaction.update(projects, id, {
      ...changes,
      extra: mergeExtra(project.extra, unknown, known),
    })
  })
}

/** @throws ProjectHasChildren */
export async function deleteProject(state: State, id: string): Promise<void> {
  await state.transaction(async (transaction) => {
    const project = await transaction.find(identityScope, projects, id)
    if (!project) throw IdentityNotFound({ kind: 'project', id })
    const child = await transaction
      .select(identityScope, projects)
      .select('id')
      .where('domain_id', '=', project.domain_id)
      .where('parent_id', '=', id)
      .executeTakeFirst()
    if (child) throw ProjectHasChildren({ id })
    await transaction.remove(projects, id)
    await removeGrants(transaction, 'target_id', id)
    await revokeAllOf(transaction, id)
  })
}

async function requireFreeName(reader: Reader, name: string, domainId: string): Promise<void> {
  const taken = await reader
    .select(identityScope, projects)
    .select('id')
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (taken) throw NameTaken({ kind: 'project', name, domainId })
}

async function requireParent(reader: Reader, id: string, domainId: string): Promise<void> {
  const parent = await reader.find(identityScope, projects, id)
  if (!parent) throw IdentityNotFound({ kind: 'project', id })
  if (parent.domain_id !== domainId)
    throw BadRequest({ message: 'A project and its parent must belong to the same domain.' })
}
