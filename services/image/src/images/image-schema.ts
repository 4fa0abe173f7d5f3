/** An image in the API's form as a JSON schema: what clients ask for, and what their input is checked against. */

import { BadRequest, validateBody } from '@atoll/http'
import { DISK_FORMATS } from '@atoll/images'
import { type TSchema, Type } from 'typebox'
import { SchemaViolation } from '../errors.ts'

export const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const

const readOnlyText = { type: ['null', 'string'], readOnly: true }
const readOnlyInteger = { type: ['null', 'integer'], readOnly: true }
const int32 = { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 }

/** What a client may set, by the names of the API. */
const writableProperties = {
  id: {
    type: 'string',
    pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
  },
  name: { type: ['null', 'string'], maxLength: 255 },
  visibility: { type: 'string', enum: ['community', 'public', 'private', 'shared'] },
  protected: { type: 'boolean' },
  os_hidden: { type: 'boolean' },
  owner: { type: ['null', 'string'], maxLength: 255 },
  container_format: { type: ['null', 'string'], enum: [null, ...CONTAINER_FORMATS] },
  disk_format: { type: ['null', 'string'], enum: [null, ...DISK_FORMATS] },
  tags: { type: 'array', items: { type: 'string', maxLength: 255 } },
  min_ram: int32,
  min_disk: int32,
}

const readOnlyProperties = {
  status: { type: 'string', readOnly: true, enum: ['queued', 'saving', 'active', 'killed', 'deactivated'] },
  checksum: { ...readOnlyText, maxLength: 32 },
  os_hash_algo: { ...readOnlyText, maxLength: 64 },
  os_hash_value: { ...readOnlyText, maxLength: 128 },
  size: readOnlyInteger,
  virtual_size: readOnlyInteger,
  created_at: { type: 'string', readOnly: true },
  updated_at: { type: 'string', readOnly: true },
  direct_url: { type: 'string', readOnly: true },
  self: { type: 'string', readOnly: true },
  file: { type: 'string', readOnly: true },
  schema: { type: 'string', readOnly: true },
}

/** The names that are read-only in a request. */
export const READ_ONLY: ReadonlySet<string> = new Set(Object.keys(readOnlyProperties))
/** The names that are never a property of the client's own. */
const RESERVED: ReadonlySet<string> = new Set(['location', 'deleted', 'deleted_at', 'stores'])
const RESERVED_PREFIX = 'os_glance'

export const imageSchema = {
  name: 'image',
  properties: { ...writableProperties, ...readOnlyProperties },
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}

/** What a client may say of an image; every name is optional. */
export interface ImageInput {
  readonly id?: string
  readonly name?: string | null
  readonly visibility?: 'community' | 'public' | 'private' | 'shared'
  readonly protected?: boolean
  readonly os_hidden?: boolean
  readonly owner?: string | null
  readonly container_format?: string | null
  readonly disk_format?: string | null
  readonly tags?: readonly string[]
  readonly min_ram?: number
  readonly min_disk?: number
}

const inputSchema = Type.Unsafe<ImageInput & Readonly<Record<string, unknown>>>({
  type: 'object',
  properties: writableProperties,
  propertyNames: { maxLength: 255 },
  additionalProperties: { type: 'string', maxLength: 65_535 },
}) as TSchema

/** Checks values by their names. @throws SchemaViolation */
export function validateImage(value: unknown): ImageInput & Readonly<Record<string, unknown>> {
  try {
    return validateBody(inputSchema, value) as ImageInput & Readonly<Record<string, unknown>>
  } catch (error) {
    if (BadRequest.is(error)) throw SchemaViolation({ reason: error.message })
    throw error
  }
}

export function isWritable(name: string): boolean {
  return Object.hasOwn(writableProperties, name)
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name) || name.startsWith(RESERVED_PREFIX)
}
