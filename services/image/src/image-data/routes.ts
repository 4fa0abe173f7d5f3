/** `/v2/images/{id}/file`: the bytes of an image. */

import { type Endpoint, endpoint, UnsupportedMediaType } from '@atoll/http'
import type { State } from '@atoll/state'
import { writesImage } from '../images/access.ts'
import type { ImageBytes } from './bring.ts'
import { downloadImage } from './download.ts'
import type { Uploads } from './uploads.ts'

export function imageDataEndpoints(
  options: ImageBytes & { readonly state: State; readonly uploads: Uploads },
): readonly Endpoint[] {
  const path = '/v2/images/:image_id/file'
  return [
    endpoint({
      method: 'PUT',
      path,
      rule: 'upload_image',
      body: 'stream',
      status: 204,
      writes: writesImage,
      handle: async (context) => {
        const contentType = String(context.headers['content-type'] ?? '')
        if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/octet-stream')
          throw UnsupportedMediaType({ contentType: contentType.slice(0, 100) })
        await options.uploads.upload(context, context.params.image_id ?? '', context.stream)
      },
    }),
    endpoint({
      method: 'GET',
      path,
      rule: 'default',
      handle: (context) => downloadImage(options, context),
    }),
  ]
}
