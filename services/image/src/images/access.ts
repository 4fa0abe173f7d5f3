/** Finding an image for somebody, and asking whether they may do a thing with it. */

import type { Context } from '@atoll/http'
import type { Row } from '@atoll/rome'
import type { Reader } from '@atoll/state'
import { ActionForbidden, ImageNotFound } from '../errors.ts'
import { images } from '../records.ts'

export type Image = Row<typeof images>

/** What of a request decides about access. */
export type Caller = Pick<Context, 'authorization' | 'scope' | 'allows'>

/** @throws ImageNotFound also when the caller may not see it */
export async function findImage(reader: Reader, caller: Caller, id: string): Promise<Image> {
  const image = await reader.find(caller.scope, images, id)
  if (!image) throw ImageNotFound({ id })
  requireRule(caller, 'get_image', image)
  return image
}

/** @throws ActionForbidden */
export function requireRule(caller: Caller, rule: string, image: Image): void {
  if (!isAllowed(caller, rule, image)) throw ActionForbidden({ rule })
}

export function isAllowed(caller: Caller, rule: string, image: Image): boolean {
  const { projectId } = caller.authorization
  const isMember =
    image.visibility === 'shared' && image.members.some(({ project_id }) => project_id === projectId)
  return caller.allows(rule, {
    project_id: image.project_id,
    visibility: image.visibility,
    member_id: isMember ? projectId : null,
  })
}

/** The record that a request below `/v2/images/:image_id` writes. */
export function writesImage({ params }: Pick<Context, 'params'>) {
  return { kind: 'record', table: images.name, id: params.image_id ?? '' } as const
}
