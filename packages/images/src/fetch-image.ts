/** Copies an image from another store, of which nothing is trusted: every byte is checked against its digest. */

import { abortable } from './abortable.ts'
import { type Digest, digestOf } from './digest.ts'
import { SourceInvalid } from './errors.ts'
import { type ImageStorage, readManifest, withPins } from './image-storage.ts'
import { decodeManifest, MANIFEST_BYTES_MAX, type Manifest, storedChunks } from './manifest.ts'

/** Another store, usually at another site. It should end its work when the signal aborts. */
export interface ChunkSource {
  /** The encoded manifest. Should refuse to read more than `MANIFEST_BYTES_MAX`. */
  manifest(digest: Digest, signal?: AbortSignal): Promise<Uint8Array>
  /** Should refuse to read more than `CHUNK_BYTES`. */
  chunk(digest: Digest, signal?: AbortSignal): Promise<Uint8Array>
}

export interface FetchOptions {
  /** Chunks under way at a time, 8 by default: enough to fill 1 Gbit/s at 60 ms. Memory: one chunk each. */
  readonly concurrency?: number
  readonly signal?: AbortSignal
}

/**
 * Fetches what is missing; what an earlier, interrupted one has fetched is kept as long as the image is referenced.
 * @returns the manifest, when the whole image is here and durable
 * @throws SourceInvalid, ManifestInvalid, StoreFull, TransferAborted, and what the source throws
 */
export function fetchImage(
  storage: ImageStorage,
  digest: Digest,
  source: ChunkSource,
  options: FetchOptions,
): Promise<Manifest> {
  const { signal, concurrency = 8 } = options
  return withPins(storage, async (pins) => {
    await pins.pin(digest)
    const manifest = await fetchManifest(storage, digest, source, signal)
    await inParallel(concurrency, storedChunks(manifest), async (chunk, hasFailed) => {
      await pins.pin(chunk)
      if (hasFailed() || (await storage.chunks.has(chunk))) return
      const bytes = await abortable(source.chunk(chunk, signal), signal)
      if (bytes.length > manifest.chunkSize || digestOf(bytes) !== chunk)
        throw SourceInvalid({ digest: chunk })
      await storage.chunks.put(chunk, bytes)
    })
    await storage.chunks.sync()
    return manifest
  })
}

/** The stored chunks of an image that are not here. */
export async function missingChunks(storage: ImageStorage, manifest: Manifest): Promise<readonly Digest[]> {
  const missing: Digest[] = []
  for (const chunk of storedChunks(manifest)) if (!(await storage.chunks.has(chunk))) missing.push(chunk)
  return missing
}

// The manifest is stored first: it is what keeps the chunks of an interrupted fetch for the next one.
async function fetchManifest(
  storage: ImageStorage,
  digest: Digest,
  source: ChunkSource,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  if (await storage.manifests.has(digest)) return await readManifest(storage, digest)
  const bytes = await abortable(source.manifest(digest, signal), signal)
  if (bytes.length > MANIFEST_BYTES_MAX || digestOf(bytes) !== digest) throw SourceInvalid({ digest })
  const manifest = decodeManifest(bytes)
  await storage.manifests.put(digest, bytes)
  await storage.manifests.sync()
  return manifest
}

/** After the first failure no further item starts, and the failure is thrown when those under way have ended. */
async function inParallel<T>(
  concurrency: number,
  items: Iterable<T>,
  work: (item: T, hasFailed: () => boolean) => Promise<void>,
): Promise<void> {
  const remaining = items[Symbol.iterator]()
  const failures: unknown[] = []
  const hasFailed = () => failures.length > 0
  const worker = async () => {
    for (let next = remaining.next(); !next.done && !hasFailed(); next = remaining.next()) {
      try {
        await work(next.value, hasFailed)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  if (hasFailed()) throw failures[0]
}
