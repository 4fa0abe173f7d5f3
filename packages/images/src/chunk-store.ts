/**
 * Where chunks live, named by their digest. Manifests are kept in a second store of the same kind, as both are
 * just bytes with a name that proves them.
 */

import type { Digest } from './digest.ts'

/**
 * 1 MiB, fixed. Measured over 20 cloud images and container layers, fixed chunks of this size saved as much as
 * content-defined ones (disk images are aligned to blocks, so the boundaries that content would give are already
 * there) at a tenth of the index that 4 KiB chunks need.
 */
export const CHUNK_BYTES = 1024 * 1024

export interface ChunkStore {
  /**
   * Stores `bytes`, which must hash to `digest` (callers have computed or verified it) and must not change until
   * the promise settles. A chunk that is already there is only marked as used now.
   * It is whole or absent after any crash; it is durable once a later `sync` has resolved.
   * @returns whether it was new
   * @throws StoreFull and leaves nothing behind
   */
  put(digest: Digest, bytes: Uint8Array): Promise<boolean>
  /**
   * The bytes, verified: what does not match its name is quarantined, never returned.
   * @throws ChunkNotFound, ChunkCorrupt
   */
  get(digest: Digest): Promise<Uint8Array>
  /** Whether it is there; says nothing about bit rot, which only reading finds. */
  has(digest: Digest): Promise<boolean>
  /** Removes it; one that is absent is no error. */
  delete(digest: Digest): Promise<void>
  /** Every chunk in order of digest; one that is put or deleted meanwhile may or may not appear. */
  list(): AsyncIterable<StoredChunk>
  /** Resolves when everything put so far survives a power loss. */
  sync(): Promise<void>
}

export interface StoredChunk {
  readonly digest: Digest
  readonly sizeBytes: number
  /** When it was last put, new or not; milliseconds since the Unix epoch. */
  readonly usedMs: number
}
