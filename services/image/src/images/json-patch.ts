/**
 * Reads a JSON patch in both of Glance's media types: `openstack-images-v2.1-json-patch`, which is RFC 6902, and
 * `v2.0`, its fourth draft (`{"replace": "/name", "value": …}`).
 */

import {
  AttributeReadOnly,
  AttributeReserved,
  ImageInvalid,
  LocationsInvisible,
  PatchTypeUnsupported,
} from '../errors.ts'
import type { ImageChange } from './changes.ts'
import { isReserved, READ_ONLY, validateImage } from './image-schema.ts'

/** In the order of `Accept-Patch`. */
export const PATCH_TYPES = [
  'application/openstack-images-v2.0-json-patch',
  'application/openstack-images-v2.1-json-patch',
] as const

const OPERATIONS = ['add', 'remove', 'replace'] as const
type Operation = (typeof OPERATIONS)[number]

/** More in one request are no edit of an image. */
const CHANGES_MAX = 1024

/** @throws PatchTypeUnsupported, ImageInvalid, AttributeReadOnly, AttributeReserved, SchemaViolation */
export function readPatch(contentType: string | undefined, body: unknown): readonly ImageChange[] {
  const type = PATCH_TYPES.find((known) => known === contentType?.split(';')[0]?.trim().toLowerCase())
  if (!type) throw PatchTypeUnsupported({ allowed: PATCH_TYPES })
  if (!Array.isArray(body))
    throw ImageInvalid({ message: 'Request body must be a JSON array of operation objects.' })
  if (body.length > CHANGES_MAX)
    throw ImageInvalid({ message: `At most ${CHANGES_MAX} operations are allowed.` })
  return body.map((operation) => readChange(operation, type === PATCH_TYPES[0]))
}

function readChange(raw: unknown, isDraft: boolean): ImageChange {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw ImageInvalid({ message: 'Operations must be JSON objects.' })
  const change = raw as Readonly<Record<string, unknown>>
  const operation = isDraft ? draftOperation(change) : standardOperation(change)
  const name = readPointer(change[isDraft ? operation : 'path'])
  if (READ_ONLY.has(name) || name === 'id') throw AttributeReadOnly({ name })
  if (isReserved(name)) throw AttributeReserved({ name })
  if (name === 'locations') throw LocationsInvisible({ verb: operation === 'add' ? 'add' : 'update' })
  if (operation === 'remove') return { operation, name, mustBeNew: false }
  if (!Object.hasOwn(change, 'value'))
    throw ImageInvalid({ message: `Operation "${operation}" requires a member named "value".` })
  validateImage({ [name]: change.value })
  return { operation, name, value: change.value, mustBeNew: isDraft }
}

function standardOperation(change: Readonly<Record<string, unknown>>): Operation {
  for (const member of ['op', 'path'])
    if (!Object.hasOwn(change, member))
      throw ImageInvalid({ message: `Unable to find '${member}' in JSON Schema change` })
  const operation = OPERATIONS.find((known) => known === change.op)
  if (!operation)
    throw ImageInvalid({
      message: `Invalid operation: \`${asWritten(change.op).slice(0, 64)}\`. It must be one of the following: ${OPERATIONS.join(', ')}.`,
    })
  return operation
}

function draftOperation(change: Readonly<Record<string, unknown>>): Operation {
  const [operation, another] = OPERATIONS.filter((known) => Object.hasOwn(change, known))
  if (operation && !another) return operation
  const count = another ? 'only' : 'exactly'
  throw ImageInvalid({
    message: `Operation objects must contain ${count} one member named "add", "remove", or "replace".`,
  })
}

/** The one token of a JSON pointer (RFC 6901): nothing of an image lies deeper. */
function readPointer(pointer: unknown): string {
  if (typeof pointer !== 'string' || !pointer.startsWith('/'))
    throw ImageInvalid({
      message: `Pointer \`${asWritten(pointer).slice(0, 255)}\` does not start with "/".`,
    })
  const shown = pointer.slice(0, 255)
  if (/~(?![01])/.test(pointer))
    throw ImageInvalid({
      message: `Pointer \`${shown}\` contains "~" not part of a recognized escape sequence.`,
    })
  const tokens = pointer.slice(1).split('/')
  const [token = ''] = tokens
  if (tokens.length !== 1 || token.trim() === '')
    throw ImageInvalid({ message: `Invalid JSON pointer for this resource: '${shown}'` })
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** A client's value as the client wrote it. */
function asWritten(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}
