/** The bytes of an image as a stream. */

import type { Readable } from 'node:stream'
import type { Context } from '@atoll/http'
import type { State } from '@atoll/state'
import { ImageDeactivated } from '../errors.ts'
import { findImage, isAllowed, requireRule } from '../images/access.ts'
import { bringImage, type ImageBytes, orUnreachable } from './bring.ts'
import { readByteRange } from './byte-range.ts'

/** Undefined, with status 204, for an image without data. @throws ImageNotFound, ImageDeactivated, RangeInvalid, ImageDataUnreachable */
export async function downloadImage(
  { state, ...bytes }: ImageBytes & { readonly state: State },
  context: Omit<Context, 'query'>,
): Promise<Readable | undefined> {
  const image = await findImage(state, context, context.params.image_id ?? '')
  if (image.status === 'deactivated' && !isAllowed(context, 'context_is_admin', image))
    throw ImageDeactivated({})
  requireRule(context, 'download_image', image)
  const { manifest_digest: digest, size_bytes: sizeBytes } = image
  if (digest === null || sizeBytes === null) {
    context.setStatus(204)
    return undefined
  }
  const { range: header } = context.headers
  const range = readByteRange(typeof header === 'string' ? header : undefined, sizeBytes)
  await bringImage(bytes, { ...image, manifest_digest: digest }, { signal: context.signal })
  const stream = await orUnreachable(image, bytes.images.open(digest, range))
  context.setHeader('content-length', String(range?.length ?? sizeBytes))
  context.setHeader('accept-ranges', 'bytes')
  if (range) {
    context.setStatus(206)
    const last = range.offset + range.length - 1
    context.setHeader('content-range', `bytes ${range.offset}-${last}/${sizeBytes}`)
  } else if (image.checksum !== null) {
    // Hexadecimal, unlike RFC 1864: clients compare it with `checksum`.
    context.setHeader('content-md5', image.checksum)
  }
  return stream
}
