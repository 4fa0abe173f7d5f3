/** Bringing the bytes of an image into this store, when they are elsewhere. */

import { type ChunkSource, type FetchOptions, type ImageStore, ManifestNotFound } from '@atoll/images'
import { AtollError } from '@atoll/kit'
import { ImageDataUnreachable } from '../errors.ts'
import type { Image } from '../images/access.ts'

/** Where the bytes of an image can be fetched that are not in this store; undefined: they are only here. */
export type SourceOf = (image: Image) => ChunkSource | undefined

export interface ImageBytes {
  readonly images: ImageStore
  readonly sourceOf: SourceOf
}

/**
 * Makes the store hold all of the image; what is here already is not fetched again.
 * @returns digest of the manifest
 * @throws ImageDataUnreachable, and what `ImageStore.fetch` throws of its own
 */
export async function bringImage(
  { images, sourceOf }: ImageBytes,
  image: Image & { readonly manifest_digest: string },
  options: FetchOptions = {},
): Promise<void> {
  const source = sourceOf(image)
  try {
    if (source) await images.fetch(image.manifest_digest, source, options)
    else await images.read(image.manifest_digest)
  } catch (error) {
    // What the store itself says is for the client, too; anything else is the source's trouble.
    if (error instanceof AtollError && !ManifestNotFound.is(error)) throw error
    throw ImageDataUnreachable({ id: image.id }, { cause: error, retryAfterMs: 10_000 })
  }
}
