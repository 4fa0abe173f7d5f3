/** What the operations on images share: two stores, and the pins that keep the garbage collection away. */

import type { ChunkStore } from './chunk-store.ts'
import type { Digest } from './digest.ts'
import { ChunkNotFound, ManifestNotFound } from './errors.ts'
import { decodeManifest, type Manifest } from './manifest.ts'
import type { PinGroup, Pins } from './pins.ts'

export interface ImageStorage {
  readonly chunks: ChunkStore
  readonly manifests: ChunkStore
  readonly pins: Pins
}

/** @throws ManifestNotFound, ChunkCorrupt */
export async function readManifest(storage: ImageStorage, digest: Digest): Promise<Manifest> {
  try {
    return decodeManifest(await storage.manifests.get(digest))
  } catch (error) {
    if (ChunkNotFound.is(error)) throw ManifestNotFound({ digest }, { cause: error })
    throw error
  }
}

/** Runs `work` with pins of its own, which end with it. */
export async function withPins<T>(storage: ImageStorage, work: (pins: PinGroup) => Promise<T>): Promise<T> {
  const pins = storage.pins.group()
  try {
    return await work(pins)
  } finally {
    pins.release()
  }
}
