/**
 * Mark and sweep. Roots are the manifests that records refer to, those that are younger than the grace, and those
 * that are being read or written; what hangs on no root goes. See `pins.ts` for why an upload at the same time is safe.
 */

import type { Clock } from '@atoll/kit'
import type { ChunkStore } from './chunk-store.ts'
import type { Digest } from './digest.ts'
import { type ImageStorage, readManifest } from './image-storage.ts'
import { storedChunks } from './manifest.ts'

export interface CollectOptions {
  /**
   * What was used within this time stays. It covers the moment between an image being ingested and its record being
   * committed, so it must be longer than that may take; the price of a long one is only disk.
   */
  readonly graceMs: number
}

export interface Collected {
  readonly manifests: number
  readonly chunks: number
  readonly bytes: number
}

/** Callers run one at a time. A damaged manifest ends it before anything is deleted. @throws ChunkCorrupt */
export function collectGarbage(
  storage: ImageStorage,
  clock: Clock,
  referenced: Iterable<Digest>,
  { graceMs }: CollectOptions,
): Promise<Collected> {
  const roots = new Set(referenced)
  const usedMsMax = clock.nowMs() - graceMs
  return storage.pins.whileCollecting(async () => {
    const marked = new Set<Digest>()
    for await (const { digest, usedMs } of storage.manifests.list()) {
      if (usedMs <= usedMsMax && !roots.has(digest) && !storage.pins.has(digest)) continue
      marked.add(digest)
      for (const chunk of storedChunks(await readManifest(storage, digest))) marked.add(chunk)
    }
    // Manifests first: after a crash in between, chunks without a manifest are garbage, the reverse would be damage.
    const manifests = await sweep(storage, storage.manifests, { marked, usedMsMax })
    await storage.manifests.sync()
    const chunks = await sweep(storage, storage.chunks, { marked, usedMsMax })
    return { manifests: manifests.count, chunks: chunks.count, bytes: manifests.bytes + chunks.bytes }
  })
}

async function sweep(
  { pins }: ImageStorage,
  store: ChunkStore,
  { marked, usedMsMax }: { readonly marked: ReadonlySet<Digest>; readonly usedMsMax: number },
): Promise<{ readonly count: number; readonly bytes: number }> {
  let [count, bytes] = [0, 0]
  for await (const { digest, sizeBytes, usedMs } of store.list()) {
    if (marked.has(digest) || usedMs > usedMsMax) continue
    if (!(await pins.deleteUnpinned(digest, () => store.delete(digest)))) continue
    count++
    bytes += sizeBytes
  }
  return { count, bytes }
}
