/** What happens to images without anybody asking: interrupted uploads are put back, unused bytes are deleted. */

import type { ImageStore } from '@atoll/images'
import { type Clock, type Logger, Reconciler } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import type { ImageCache } from '../image-cache.ts'
import { images as imageTable } from '../records.ts'
import type { Uploads } from './uploads.ts'

interface ReconcilerTools {
  readonly clock: Clock
  readonly log: Logger
}

const MINUTE_MS = 60_000

/** Puts back what uploads left that no longer run: at the start, and every minute for what could not be put back then. */
export function createUploadRepair({
  uploads,
  clock,
  log,
}: ReconcilerTools & { readonly uploads: Uploads }): Reconciler {
  const pass = () => uploads.repair()
  return new Reconciler({ name: 'image-upload-repair', clock, log, intervalMs: MINUTE_MS, pass })
}

export interface GarbageCollectionOptions extends ReconcilerTools {
  readonly state: State
  readonly images: ImageStore
  /** Bytes that no image needs are kept this long, an hour by default: see `CollectOptions.graceMs`. */
  readonly graceMs?: number
  readonly intervalMs?: number
}

/** Deletes the bytes that no image of the cloud, as far as it is known here, refers to any more. */
export function createImageGarbageCollection(options: GarbageCollectionOptions): Reconciler {
  const { state, images, clock, log, graceMs = 60 * MINUTE_MS, intervalMs = 30 * MINUTE_MS } = options
  const pass = async () => {
    const collected = await images.collectGarbage(await referencedManifests(state), { graceMs })
    if (collected.bytes > 0) log.info(collected, 'image data that nobody needs was deleted')
  }
  return new Reconciler({ name: 'image-garbage-collection', clock, log, intervalMs, pass })
}

export interface CacheEvictionOptions extends ReconcilerTools {
  readonly cache: ImageCache
  /** What the files of the cache may take: see `EvictOptions.bytesMax`. */
  readonly bytesMax: number
  /** Ids of the images from which guests of these hosts were made. */
  readonly imagesInUse: () => Promise<readonly string[]>
  readonly intervalMs?: number
}

/** Keeps the images that hosts have as files within their bound; those that guests run from stay. */
export function createCacheEviction(options: CacheEvictionOptions): Reconciler {
  const { cache, bytesMax, imagesInUse, clock, log, intervalMs = 10 * MINUTE_MS } = options
  const pass = async () => {
    const evicted = await cache.evict({ bytesMax, inUse: await cache.pathsOf(await imagesInUse()) })
    if (evicted.files > 0) log.info(evicted, 'images that no guest of these hosts runs from were evicted')
  }
  return new Reconciler({ name: 'image-cache-eviction', clock, log, intervalMs, pass })
}

async function referencedManifests(state: State): Promise<readonly string[]> {
  const rows = await state
    .select(cloudScope('image garbage collection'), imageTable)
    .select('manifest_digest')
    .distinct()
    .where('manifest_digest', 'is not', null)
    .execute()
  return rows.map(({ manifest_digest }) => String(manifest_digest))
}
