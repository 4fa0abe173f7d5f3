/** An image as one file, for QEMU to use as a backing file. */

import type { Digest } from './digest.ts'
import { PathOccupied, StoreFull } from './errors.ts'
import { type Files, hasErrorCode } from './files.ts'
import { type ImageStorage, readManifest, withPins } from './image-storage.ts'
import type { Manifest } from './manifest.ts'
import { readChunk } from './read-image.ts'

/**
 * Writes the image to `path` under a temporary name beside it, sparse where it has zeros, then renames: what is at
 * `path` is whole. A file of the right size is taken for the image, so callers name it after the manifest.
 * Callers must not run two for one path at a time.
 * @throws PathOccupied when another file is there: it may back a running VM and is never replaced
 */
export function materializeImage(
  storage: ImageStorage,
  files: Files,
  options: { readonly digest: Digest; readonly path: string },
): Promise<void> {
  const { digest, path } = options
  return withPins(storage, async (pins) => {
    await pins.pin(digest)
    const manifest = await readManifest(storage, digest)
    const existing = await files.stat(path)
    if (existing && existing.sizeBytes !== manifest.size) throw PathOccupied({ path })
    if (existing) return
    const directory = path.slice(0, path.lastIndexOf('/'))
    const temporary = `${path}.temporary`
    try {
      await files.makeDirectory(directory)
      await writeImage(storage, files, { manifest, path: temporary })
      await files.rename(temporary, path)
      await files.syncDirectory(directory)
    } catch (error) {
      await files.remove(temporary).catch(() => {})
      if (hasErrorCode(error, 'ENOSPC', 'EDQUOT')) throw StoreFull({}, { cause: error })
      throw error
    }
  })
}

async function writeImage(
  storage: ImageStorage,
  files: Files,
  { manifest, path }: { readonly manifest: Manifest; readonly path: string },
): Promise<void> {
  const file = await files.create(path)
  try {
    await file.truncate(manifest.size)
    for (const [index, digest] of manifest.chunks.entries()) {
      if (digest) await file.write(await readChunk(storage, manifest, index), index * manifest.chunkSize)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}
