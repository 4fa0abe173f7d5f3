/** Bringing the bytes of an image into this store, when they are elsewhere. */

import {
  ChunkNotFound,
  type ChunkSource,
  type FetchOptions,
  type ImageStore,
  ManifestNotFound,
} from '@atoll/images'
import { AtollError } from '@atoll/kit'
import { ImageDataUnreachable } from '../errors.ts'
import type { Image } from '../images/access.ts'

/** A link that was cut may be back by then; more often would only load those that wait, too. */
const RETRY_AFTER_MS = 10_000

/** Where the bytes of an image can be fetched that are not in this store; undefined: they are only here. */
export type SourceOf = (image: Image) => ChunkSource | undefined

export interface ImageBytes {
  readonly images: ImageStore
  readonly sourceOf: SourceOf
}

/**
 * Makes the store hold all of the image; what is here already is not fetched again.
 * @throws ImageDataUnreachable, and what `ImageStore.fetch` throws of its own
 */
export async function bringImage(
  { images, sourceOf }: ImageBytes,
  image: Image & { readonly manifest_digest: string },
  options: FetchOptions = {},
): Promise<void> {
  const source = sourceOf(image)
  if (!source) return
  try {
    await images.fetch(image.manifest_digest, source, options)
  } catch (error) {
    // What the store itself says is for the client, too; anything else is the source's trouble.
    throw error instanceof AtollError ? error : unreachable(image, error)
  }
}

/** For work on bytes that should be here: without them the image is as good as out of reach. @throws ImageDataUnreachable */
export async function orUnreachable<T>(image: Image, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw ManifestNotFound.is(error) || ChunkNotFound.is(error) ? unreachable(image, error) : error
  }
}

function unreachable({ id }: Image, cause: unknown): AtollError {
  return ImageDataUnreachable({ id }, { cause, retryAfterMs: RETRY_AFTER_MS })
}
