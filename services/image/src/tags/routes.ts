/** `/v2/images/{id}/tags/{tag}`: one tag at a time. */

import { type Context, type Endpoint, endpoint } from '@atoll/http'
import type { State } from '@atoll/state'
import { SchemaViolation, TagNotFound } from '../errors.ts'
import { findImage, requireRule, writesImage } from '../images/access.ts'
import { requireWithin } from '../images/limits.ts'
import { images } from '../records.ts'

const TAG_LENGTH_MAX = 255

export function tagEndpoints({ state }: { readonly state: State }): readonly Endpoint[] {
  const common = {
    path: '/v2/images/:image_id/tags/:tag',
    rule: 'modify_image',
    status: 204,
    writes: writesImage,
  } as const
  return [
    endpoint({ ...common, method: 'PUT', handle: (context) => changeTags(state, context, addTag) }),
    endpoint({ ...common, method: 'DELETE', handle: (context) => changeTags(state, context, removeTag) }),
  ]
}

type Change = (tags: readonly string[], tag: string) => readonly string[]

async function changeTags(state: State, context: Omit<Context, 'query'>, change: Change): Promise<void> {
  const { image_id: id = '', tag = '' } = context.params
  await state.transaction(async (transaction) => {
    const image = await findImage(transaction, context, id)
    requireRule(context, 'modify_image', image)
    await transaction.update(images, id, { tags: change(image.tags, tag) })
  })
}

function addTag(tags: readonly string[], tag: string): readonly string[] {
  if (tag.length > TAG_LENGTH_MAX) throw SchemaViolation({ reason: `'${tag.slice(0, 64)}…' is too long` })
  const changed = tags.includes(tag) ? tags : [...tags, tag]
  requireWithin('tags', changed.length)
  return changed
}

function removeTag(tags: readonly string[], tag: string): readonly string[] {
  if (!tags.includes(tag)) throw TagNotFound({})
  return tags.filter((other) => other !== tag)
}
