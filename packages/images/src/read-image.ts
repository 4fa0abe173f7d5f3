/** Reading an image, or a range of it, from its chunks. */

import { Readable } from 'node:stream'
import { CHUNK_BYTES } from './chunk-store.ts'
import type { Digest } from './digest.ts'
import { RangeNotSatisfiable } from './errors.ts'
import { type ImageStorage, readManifest } from './image-storage.ts'
import { chunkBytesAt, type Manifest } from './manifest.ts'

export interface RangeOptions {
  /** First byte, 0 by default. */
  readonly offset?: number
  /** Bytes to read; by default all that follow. */
  readonly length?: number
}

/** @throws ManifestNotFound, ChunkCorrupt, RangeNotSatisfiable; the stream fails when a chunk is missing or damaged */
export async function openImage(
  storage: ImageStorage,
  manifestDigest: Digest,
  options: RangeOptions,
): Promise<Readable> {
  const manifest = await readManifest(storage, manifestDigest)
  const { size } = manifest
  const { offset = 0, length = size - offset } = options
  if (offset < 0 || length < 0 || offset + length > size) throw RangeNotSatisfiable({ offset, length, size })
  return Readable.from(readRange(storage, manifest, offset, offset + length), {
    objectMode: false,
    highWaterMark: manifest.chunkSize,
  })
}

/** The verified bytes of the chunk at `index`; zeros for one that is not stored. Callers must not change them. */
export async function readChunk(
  storage: ImageStorage,
  manifest: Manifest,
  index: number,
): Promise<Uint8Array> {
  const digest = manifest.chunks[index]
  return digest ? await storage.chunks.get(digest) : zeros.subarray(0, chunkBytesAt(manifest, index))
}

async function* readRange(
  storage: ImageStorage,
  manifest: Manifest,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const pins = storage.pins.group()
  try {
    await pins.pin(manifest.digest)
    for (let at = start; at < end; ) {
      const index = Math.floor(at / manifest.chunkSize)
      const chunkStart = index * manifest.chunkSize
      const bytes = await readChunk(storage, manifest, index)
      const part = bytes.subarray(at - chunkStart, end - chunkStart)
      yield part
      at += part.length
    }
  } finally {
    pins.release()
  }
}

const zeros = Buffer.alloc(CHUNK_BYTES)
