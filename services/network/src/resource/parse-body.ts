/** Neutron's request bodies: `{"network": {…}}`, or `{"networks": [{…}, …]}` to make several at once. */

import { BadRequest, validateBody } from '@atoll/http'
import type { RecordTable } from '@atoll/state'
import type { Static, TObject } from 'typebox'
import type { Actor, Resource } from './resource.ts'

/** More fit into no body of the allowed size that makes sense. */
const BULK_MAX = 1000

export interface CreateBodies<Body> {
  readonly isBulk: boolean
  readonly bodies: readonly Body[]
}

/** @throws BadRequest */
export function parseCreate<T extends RecordTable, Create extends TObject, Update extends TObject>(
  resource: Resource<T, Create, Update>,
  body: unknown,
): CreateBodies<Static<Create>> {
  const { singular, plural, createSchema } = resource
  const envelope = body as Readonly<Record<string, unknown>>
  const many = envelope[plural]
  if (many === undefined) {
    return { isBulk: false, bodies: [parseOne(resource, 'POST', createSchema, envelope[singular])] }
  }
  if (!Array.isArray(many) || many.length === 0) throw BadRequest({ message: 'Resource body required' })
  if (many.length > BULK_MAX)
    throw BadRequest({ message: `At most ${BULK_MAX} ${plural} can be created at once.` })
  return { isBulk: true, bodies: many.map((one) => parseOne(resource, 'POST', createSchema, one)) }
}

/** @throws BadRequest */
export function parseUpdate<T extends RecordTable, Create extends TObject, Update extends TObject>(
  resource: Resource<T, Create, Update>,
  body: unknown,
): Static<Update> {
  const one = (body as Readonly<Record<string, unknown>>)[resource.singular]
  return parseOne(resource, 'PUT', resource.updateSchema, one)
}

function parseOne<T extends RecordTable, Create extends TObject, Update extends TObject, S extends TObject>(
  { singular, createSchema, updateSchema, readOnly }: Resource<T, Create, Update>,
  method: 'POST' | 'PUT',
  schema: S,
  body: unknown,
): Static<S> {
  if (body === undefined) throw BadRequest({ message: `Unable to find '${singular}' in request body` })
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw BadRequest({ message: 'Resource body required' })
  }
  const known = new Set([
    ...Object.keys(createSchema.properties),
    ...Object.keys(updateSchema.properties),
    ...readOnly,
  ])
  const refused = Object.keys(body).filter((name) => !Object.hasOwn(schema.properties, name))
  const unrecognized = refused.filter((name) => !known.has(name))
  if (unrecognized.length > 0) {
    const names = unrecognized.slice(0, 10).map((name) => name.slice(0, 64))
    throw BadRequest({ message: `Unrecognized attribute(s) '${names.join(', ')}'` })
  }
  if (refused[0] !== undefined) {
    const message =
      method === 'PUT'
        ? `Cannot update read-only attribute ${refused[0]}`
        : `Attribute '${refused[0]}' not allowed in POST`
    throw BadRequest({ message })
  }
  return validateBody(schema, body)
}

/** The project that a new resource belongs to. @throws BadRequest */
export function ownerOf(
  actor: Actor,
  { project_id, tenant_id }: { readonly project_id?: string; readonly tenant_id?: string },
): string {
  const own = actor.authorization.projectId
  const asked = project_id ?? tenant_id ?? own
  if (asked === null || asked === '') {
    throw BadRequest({
      message: "Running without keystone AuthN requires that 'project_id' or 'tenant_id' is specified",
    })
  }
  if (project_id !== undefined && tenant_id !== undefined && project_id !== tenant_id) {
    throw BadRequest({ message: "'project_id' and 'tenant_id' do not match" })
  }
  if (asked !== own && !actor.allows('context_is_admin')) {
    throw BadRequest({
      message:
        "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
    })
  }
  return asked
}
