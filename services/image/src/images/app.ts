/** Making, changing and deleting images: the records, not their bytes. */

import { UniqueViolation } from '@atoll/rome'
import type { NewRecord, State } from '@atoll/state'
import {
  ActionForbidden,
  AttributeReadOnly,
  AttributeReserved,
  ImageExists,
  ImageProtected,
  LocationsInvisible,
  StatusForbids,
} from '../errors.ts'
import { type ImageStatus, images } from '../records.ts'
import { type Caller, findImage, type Image, requireRule } from './access.ts'
import { applyChanges, type ImageChange } from './changes.ts'
import { type ImageInput, isReserved, isWritable, READ_ONLY, validateImage } from './image-schema.ts'
import { requireWithin } from './limits.ts'

/** @throws SchemaViolation, AttributeReadOnly, AttributeReserved, ImageExists, ActionForbidden, LimitExceeded */
export async function createImage(state: State, caller: Caller, body: unknown): Promise<Image> {
  const record = newRecord(caller, body)
  const { visibility, project_id } = record
  const target = { project_id: project_id ?? null, visibility }
  if (!caller.allows('add_image', target)) throw ActionForbidden({ rule: 'add_image' })
  for (const rule of publishingRules(visibility))
    if (!caller.allows(rule, target)) throw ActionForbidden({ rule })
  try {
    return await state.transaction((transaction) => transaction.insert(images, record))
  } catch (error) {
    // The id of a deleted image is not free either: its tombstone still has it.
    if (record.id !== undefined && UniqueViolation.is(error)) throw ImageExists({ id: record.id })
    throw error
  }
}

/** Applies all changes or none. @throws ImageNotFound, ActionForbidden, and see `applyChanges` */
export async function updateImage(
  state: State,
  caller: Caller,
  { id, changes }: { readonly id: string; readonly changes: readonly ImageChange[] },
): Promise<Image> {
  return state.transaction(async (transaction) => {
    const image = await findImage(transaction, caller, id)
    if (changes.length === 0) return image
    requireRule(caller, 'modify_image', image)
    const patch = applyChanges(image, changes, { isAdmin: caller.scope.kind === 'cloud' })
    const isPublished = patch.visibility !== undefined && patch.visibility !== image.visibility
    if (isPublished) for (const rule of publishingRules(patch.visibility)) requireRule(caller, rule, image)
    return transaction.update(images, id, patch)
  })
}

/** The bytes go with the next garbage collection, unless another image has them too. @throws ImageProtected */
export async function deleteImage(state: State, caller: Caller, id: string): Promise<void> {
  await state.transaction(async (transaction) => {
    const image = await findImage(transaction, caller, id)
    requireRule(caller, 'delete_image', image)
    if (image.is_protected) throw ImageProtected({ id })
    await transaction.remove(images, id)
  })
}

/** Sets the status of an image that has data; asked again, does nothing. @throws StatusForbids */
export async function switchImage(
  state: State,
  caller: Caller,
  { id, action }: { readonly id: string; readonly action: 'deactivate' | 'reactivate' },
): Promise<void> {
  const [from, to]: [ImageStatus, ImageStatus] =
    action === 'deactivate' ? ['active', 'deactivated'] : ['deactivated', 'active']
  await state.transaction(async (transaction) => {
    const image = await findImage(transaction, caller, id)
    requireRule(caller, action, image)
    if (image.status === to) return
    if (image.status !== from) throw StatusForbids({ action, status: image.status })
    await transaction.update(images, id, { status: to })
  })
}

function publishingRules(visibility: string | undefined): readonly string[] {
  if (visibility === 'public') return ['publicize_image']
  return visibility === 'community' ? ['communitize_image'] : []
}

function newRecord({ authorization }: Caller, body: unknown): NewRecord<typeof images> {
  if (typeof body === 'object' && body !== null)
    for (const name of Object.keys(body)) {
      if (READ_ONLY.has(name)) throw AttributeReadOnly({ name })
      if (isReserved(name)) throw AttributeReserved({ name })
      if (name === 'locations') throw LocationsInvisible({ verb: 'add' })
    }
  const input = validateImage(body)
  const properties = ownProperties(input)
  const tags = [...new Set(input.tags)]
  requireWithin('properties', Object.keys(properties).length)
  requireWithin('tags', tags.length)
  return {
    ...(input.id === undefined ? {} : { id: input.id.toLowerCase() }),
    project_id: input.owner === undefined ? authorization.projectId : input.owner,
    name: input.name ?? null,
    status: 'queued',
    visibility: input.visibility ?? 'shared',
    disk_format: input.disk_format ?? null,
    container_format: input.container_format ?? null,
    manifest_digest: null,
    size_bytes: null,
    virtual_size_bytes: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    min_disk_gib: input.min_disk ?? 0,
    min_ram_mib: input.min_ram ?? 0,
    is_protected: input.protected ?? false,
    is_hidden: input.os_hidden ?? false,
    tags,
    properties,
    members: [],
    shared_with: '',
  }
}

function ownProperties(input: ImageInput & Readonly<Record<string, unknown>>): Record<string, string> {
  const own = Object.entries(input).filter(([name]) => !isWritable(name))
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
}
