/** What one operation of a JSON patch does to an image (RFC 6902's add, replace and remove, as Glance has them). */

import type { Patch } from '@atoll/state'
import {
  AttributeFixed,
  AttributeNotRemovable,
  OwnerFixed,
  PropertyMissing,
  PropertyPresent,
} from '../errors.ts'
import { type ImageVisibility, type images, sharedWith } from '../records.ts'
import type { Image } from './access.ts'
import { isWritable } from './image-schema.ts'
import { requireWithin } from './limits.ts'

/** Checked against the schema already. */
export interface ImageChange {
  readonly operation: 'add' | 'replace' | 'remove'
  /** An attribute of every image, or a property of this one. */
  readonly name: string
  readonly value?: unknown
  /** The older form of patches refuses to add what is there; the newer one replaces it. */
  readonly mustBeNew: boolean
}

/**
 * What the changes, in their order, make of the image.
 * @throws AttributeNotRemovable, AttributeFixed, OwnerFixed, PropertyMissing, PropertyPresent, LimitExceeded
 */
export function applyChanges(
  image: Image,
  changes: readonly ImageChange[],
  { isAdmin }: { readonly isAdmin: boolean },
): Patch<typeof images> {
  let patch: Patch<typeof images> = {}
  const properties: Record<string, string> = { ...image.properties }
  for (const change of changes) {
    if (isWritable(change.name)) patch = { ...patch, ...changeAttribute(image, change, isAdmin) }
    else changeProperty(properties, change)
  }
  requireWithin('tags', patch.tags?.length ?? 0)
  const count = Object.keys(properties).length
  // An image that has too many already may lose some.
  if (count > Object.keys(image.properties).length) requireWithin('properties', count)
  const shared_with = sharedWith(patch.visibility ?? image.visibility, image.members)
  return { ...patch, properties, shared_with }
}

function changeAttribute(image: Image, { operation, name, value }: ImageChange, isAdmin: boolean) {
  if (operation === 'remove') throw AttributeNotRemovable({ name })
  if (name === 'owner' && !isAdmin) throw OwnerFixed({})
  const isFormat = name === 'disk_format' || name === 'container_format'
  if (isFormat && image.status !== 'queued') throw AttributeFixed({ name })
  return attributePatch(name, value)
}

// The schema has settled the types of the values.
function attributePatch(name: string, value: unknown): Patch<typeof images> {
  switch (name) {
    case 'name':
      return { name: value as string | null }
    case 'visibility':
      return { visibility: value as ImageVisibility }
    case 'protected':
      return { is_protected: value as boolean }
    case 'os_hidden':
      return { is_hidden: value as boolean }
    case 'owner':
      return { project_id: value as string | null }
    case 'disk_format':
      return { disk_format: value as string | null }
    case 'container_format':
      return { container_format: value as string | null }
    case 'min_disk':
      return { min_disk_gib: value as number }
    case 'min_ram':
      return { min_ram_mib: value as number }
    case 'tags':
      return { tags: [...new Set(value as readonly string[])] }
    default:
      throw new RangeError(`no attribute ${name} of an image can be set`)
  }
}

function changeProperty(properties: Record<string, string>, change: ImageChange): void {
  const { operation, name, value, mustBeNew } = change
  const isPresent = Object.hasOwn(properties, name)
  if (operation === 'add' && isPresent && mustBeNew) throw PropertyPresent({ name })
  if (operation !== 'add' && !isPresent) throw PropertyMissing({ name })
  if (operation === 'remove') delete properties[name]
  else properties[name] = String(value)
}
