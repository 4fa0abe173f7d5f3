/** `/v2/images`: the records of images, their tags and their actions. */

import { type Context, type Endpoint, endpoint } from '@atoll/http'
import type { State } from '@atoll/state'
import { Type } from 'typebox'
import { findImage, writesImage } from './access.ts'
import { createImage, deleteImage, switchImage, updateImage } from './app.ts'
import { PATCH_TYPES, readPatch } from './json-patch.ts'
import { listImages } from './list.ts'
import { viewImage } from './view.ts'

/** Checked by the schema of an image, whose refusals have a form of their own. */
const anyBody = Type.Unknown()
/** 128 properties of some length, as JSON. */
const BODY_LIMIT_BYTES = 1024 * 1024

const imageId = ({ params }: Pick<Context, 'params'>) => params.image_id ?? ''

export function imageEndpoints({ state }: { readonly state: State }): readonly Endpoint[] {
  const image = '/v2/images/:image_id'
  return [
    endpoint({
      method: 'GET',
      path: '/v2/images',
      rule: 'get_images',
      handle: (context) => listImages(state, context as Parameters<typeof listImages>[1]),
    }),
    endpoint({
      method: 'POST',
      path: '/v2/images',
      rule: 'add_image',
      body: anyBody,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      status: 201,
      // An id that the client chose is unique in the cloud only when one place decides; any other image lives where it is made.
      writes: ({ body }) => (hasOwnId(body) ? { kind: 'cloud' } : undefined),
      handle: async (context) => {
        const created = await createImage(state, context, context.body)
        context.setHeader('location', `${context.baseUrl}/v2/images/${created.id}`)
        return viewImage(created)
      },
    }),
    endpoint({
      method: 'GET',
      path: image,
      rule: 'default',
      handle: async (context) => viewImage(await findImage(state, context, imageId(context))),
    }),
    endpoint({
      method: 'PATCH',
      path: image,
      rule: 'modify_image',
      body: anyBody,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      writes: writesImage,
      handle: async (context) => {
        context.setHeader('accept-patch', PATCH_TYPES.join(', '))
        const changes = readPatch(context.headers['content-type'] as string | undefined, context.body)
        return viewImage(await updateImage(state, context, { id: imageId(context), changes }))
      },
    }),
    endpoint({
      method: 'DELETE',
      path: image,
      rule: 'delete_image',
      status: 204,
      writes: writesImage,
      handle: async (context) => deleteImage(state, context, imageId(context)),
    }),
    ...(['deactivate', 'reactivate'] as const).map((action) =>
      endpoint({
        method: 'POST',
        path: `${image}/actions/${action}`,
        rule: action,
        status: 204,
        writes: writesImage,
        handle: async (context) => switchImage(state, context, { id: imageId(context), action }),
      }),
    ),
  ]
}

function hasOwnId(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'id')
}
