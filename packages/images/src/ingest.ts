/**
 * From a stream to chunks and a manifest, in constant memory: the source is read only as fast as chunks become
 * durable, and the content is inspected as soon as its head is here, so that a wrong upload ends early.
 */

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { abortable } from './abortable.ts'
import { CHUNK_BYTES } from './chunk-store.ts'
import { type Digest, digestOf } from './digest.ts'
import { ImageTooLarge } from './errors.ts'
import { type ImageStorage, withPins } from './image-storage.ts'
import { type DiskFormat, type ImageInspection, inspectImage, TAIL_BYTES } from './inspect-image.ts'
import { encodeManifest, IMAGE_BYTES_MAX, type Manifest } from './manifest.ts'
import type { PinGroup } from './pins.ts'

export interface IngestOptions {
  /** Glance's `disk_format`. The content must be of it, and safe. Without it the content is not inspected. */
  readonly diskFormat?: DiskFormat
  /** Default and upper bound: `IMAGE_BYTES_MAX`. */
  readonly sizeMax?: number
  /** What the inspector accepts at most. */
  readonly virtualBytesMax?: number
  readonly signal?: AbortSignal
}

export interface Ingested {
  readonly manifest: Manifest
  /** Undefined when no `diskFormat` was given. */
  readonly inspection: ImageInspection | undefined
}

/** A stream of bytes of any piece size. It is not destroyed on failure: a server still has to answer on its socket. */
export type ByteSource = Readable | AsyncIterable<Uint8Array>

/** Chunks being written at a time, so that hashing goes on while the disk syncs. Memory: one chunk each. */
const WRITES_MAX = 8

export function ingest(storage: ImageStorage, source: ByteSource, options: IngestOptions): Promise<Ingested> {
  return withPins(storage, (pins) => new Ingest(storage, pins, options).run(source))
}

class Ingest {
  readonly #storage: ImageStorage
  readonly #pins: PinGroup
  readonly #options: IngestOptions
  readonly #sizeMax: number
  readonly #checksum = createHash('md5')
  readonly #osHash = createHash('sha512')
  readonly #chunks: (Digest | null)[] = []
  readonly #writes = new Set<Promise<void>>()
  readonly #spareBuffers: Buffer[] = []
  #buffer: Buffer = Buffer.alloc(CHUNK_BYTES)
  #filled = 0
  #size = 0
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  #failure: { readonly error: unknown } | undefined

  constructor(storage: ImageStorage, pins: PinGroup, options: IngestOptions) {
    this.#storage = storage
    this.#pins = pins
    this.#options = options
    this.#sizeMax = Math.min(options.sizeMax ?? IMAGE_BYTES_MAX, IMAGE_BYTES_MAX)
  }

  async run(source: ByteSource): Promise<Ingested> {
    const iterator = iterate(source)
    try {
      while (true) {
        const next = await abortable(iterator.next(), this.#options.signal)
        if (next.done) break
        await this.#take(next.value)
      }
      if (this.#filled > 0) await this.#finishChunk()
      const inspection = this.#inspect({ sizeBytes: this.#size, tail: this.#tail })
      await this.#writesBelow(1)
      return { manifest: await this.#storeManifest(), inspection }
    } catch (error) {
      // A source that hangs must not hold up the error, so nobody waits for its end.
      iterator.return?.().catch(() => {})
      throw error
    } finally {
      // The pins may end only when no write is under way any more.
      await Promise.all(this.#writes)
    }
  }

  async #take(piece: Uint8Array): Promise<void> {
    this.#size += piece.length
    if (this.#size > this.#sizeMax) throw ImageTooLarge({ sizeMax: this.#sizeMax })
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - this.#filled)
      this.#buffer.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === CHUNK_BYTES) await this.#finishChunk()
    }
  }

  async #finishChunk(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    this.#checksum.update(bytes)
    this.#osHash.update(bytes)
    if (this.#chunks.length === 0) {
      this.#head = Buffer.from(bytes)
      this.#inspect()
    }
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES)
    if (isZero(bytes)) {
      this.#chunks.push(null)
      return
    }
    const digest = digestOf(bytes)
    this.#chunks.push(digest)
    const buffer = this.#buffer
    const write = this.#write(digest, bytes).finally(() => {
      this.#writes.delete(write)
      this.#spareBuffers.push(buffer)
    })
    this.#writes.add(write)
    await this.#writesBelow(WRITES_MAX)
    this.#buffer = this.#spareBuffers.pop() ?? Buffer.alloc(CHUNK_BYTES)
  }

  // Never rejects: several writes may fail at a time, and the first failure is told by the next step.
  async #write(digest: Digest, bytes: Uint8Array): Promise<void> {
    try {
      await this.#pins.pin(digest)
      await this.#storage.chunks.put(digest, bytes)
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  async #writesBelow(limit: number): Promise<void> {
    while (this.#writes.size >= limit) await Promise.race(this.#writes)
    if (this.#failure) throw this.#failure.error
  }

  // Chunks first, manifest last, each durable before the next: a manifest that exists is complete.
  async #storeManifest(): Promise<Manifest> {
    const { chunks, manifests } = this.#storage
    await chunks.sync()
    const { manifest, bytes } = encodeManifest({
      size: this.#size,
      chunkSize: CHUNK_BYTES,
      chunks: Object.freeze(this.#chunks),
      checksum: this.#checksum.digest('hex'),
      osHashValue: this.#osHash.digest('hex'),
    })
    await this.#pins.pin(manifest.digest)
    await manifests.put(manifest.digest, bytes)
    await manifests.sync()
    return manifest
  }

  #inspect(end?: { readonly sizeBytes: number; readonly tail: Uint8Array }): ImageInspection | undefined {
    const { diskFormat, virtualBytesMax } = this.#options
    if (diskFormat === undefined) return undefined
    return inspectImage(diskFormat, { head: this.#head, end }, { virtualBytesMax })
  }
}

function iterate(source: ByteSource): AsyncIterator<Uint8Array> {
  return source instanceof Readable
    ? source.iterator({ destroyOnReturn: false })
    : source[Symbol.asyncIterator]()
}

const zeros = Buffer.alloc(CHUNK_BYTES)
function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length))
}
