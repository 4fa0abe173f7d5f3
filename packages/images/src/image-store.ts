/**
 * Image bytes of one site. An image is a manifest (what it consists of) and chunks (shared by all images that
 * contain them); a record elsewhere carries only the manifest's digest.
 */

import type { Readable } from 'node:stream'
import type { Clock } from '@atoll/kit'
import { CHUNK_BYTES, type ChunkStore } from './chunk-store.ts'
import { type Collected, type CollectOptions, collectGarbage } from './collect-garbage.ts'
import type { Digest } from './digest.ts'
import { ChunkNotFound, ManifestNotFound } from './errors.ts'
import { type ChunkSource, type FetchOptions, fetchImage, missingChunks } from './fetch-image.ts'
import { FileChunkStore } from './file-chunk-store.ts'
import type { Files } from './files.ts'
import { type ImageStorage, readManifest } from './image-storage.ts'
import { type ByteSource, type Ingested, type IngestOptions, ingest } from './ingest.ts'
import { MANIFEST_BYTES_MAX, type Manifest } from './manifest.ts'
import { materializeImage } from './materialize.ts'
import { Pins } from './pins.ts'
import { openImage, type RangeOptions } from './read-image.ts'

export interface ImageStoreOptions {
  readonly chunks: ChunkStore
  readonly manifests: ChunkStore
  /** Where `materialize` writes. */
  readonly files: Files
  /** Must agree with the times that `files` gives, as grace is measured against them. */
  readonly clock: Clock
}

export interface ImageStoreStats {
  readonly manifests: number
  readonly chunks: number
  /** Of chunks; what deduplication and zeros save is not in it. */
  readonly bytes: number
}

export class ImageStore implements ChunkSource {
  readonly #storage: ImageStorage
  readonly #files: Files
  readonly #clock: Clock
  readonly #materializing = new Map<string, Promise<void>>()
  #collecting: Promise<unknown> = Promise.resolve()

  constructor({ chunks, manifests, files, clock }: ImageStoreOptions) {
    this.#storage = { chunks, manifests, pins: new Pins() }
    this.#files = files
    this.#clock = clock
  }

  /**
   * Opens the store in a directory, made when missing: `chunks/` and `manifests/` below it.
   * @param options.reserveBytes what stays free of the disk for others
   */
  static async open(options: {
    readonly path: string
    readonly files: Files
    readonly clock: Clock
    readonly reserveBytes?: number
  }): Promise<ImageStore> {
    const { path, files, clock, reserveBytes = 0 } = options
    const common = { files, reserveBytes }
    return new ImageStore({
      files,
      clock,
      chunks: await FileChunkStore.open({ ...common, path: `${path}/chunks`, chunkBytesMax: CHUNK_BYTES }),
      // A manifest may take 32 MiB of memory, therefore few at a time.
      manifests: await FileChunkStore.open({
        ...common,
        path: `${path}/manifests`,
        chunkBytesMax: MANIFEST_BYTES_MAX,
        openFilesMax: 4,
      }),
    })
  }

  /**
   * Stores what `source` gives; resolves when all of it is durable. After a failure nothing refers to what was
   * written, and the next garbage collection removes it.
   * @throws StoreFull, ImageTooLarge, FormatMismatch, ImageUnsafe, TransferAborted, and what the source throws
   */
  ingest(source: ByteSource, options: IngestOptions = {}): Promise<Ingested> {
    return ingest(this.#storage, source, options)
  }

  /** @throws ManifestNotFound, ChunkCorrupt */
  read(manifestDigest: Digest): Promise<Manifest> {
    return readManifest(this.#storage, manifestDigest)
  }

  /**
   * The bytes of an image or of a range, each chunk verified before any byte of it is given.
   * @throws ManifestNotFound, ChunkCorrupt, RangeNotSatisfiable; the stream itself fails with ChunkNotFound, ChunkCorrupt
   */
  open(manifestDigest: Digest, options: RangeOptions = {}): Promise<Readable> {
    return openImage(this.#storage, manifestDigest, options)
  }

  /**
   * Makes the image a file at `path` (absolute; named after the manifest), which is never changed afterwards.
   * Calls for one path share one work; one that is there already is kept.
   * @throws ManifestNotFound, ChunkNotFound, ChunkCorrupt, PathOccupied, StoreFull
   */
  materialize(manifestDigest: Digest, path: string): Promise<void> {
    const running = this.#materializing.get(path)
    if (running) return running.then(() => this.materialize(manifestDigest, path))
    const work = materializeImage(this.#storage, this.#files, { digest: manifestDigest, path }).finally(() =>
      this.#materializing.delete(path),
    )
    this.#materializing.set(path, work)
    return work
  }

  /** The chunks of an image that would have to be fetched. */
  missing(manifest: Manifest): Promise<readonly Digest[]> {
    return missingChunks(this.#storage, manifest)
  }

  /** Copies an image from `source`, verified. @throws see `fetchImage` */
  fetch(manifestDigest: Digest, source: ChunkSource, options: FetchOptions = {}): Promise<Manifest> {
    return fetchImage(this.#storage, manifestDigest, source, options)
  }

  /** Encoded, to be read by another site. @throws ManifestNotFound, ChunkCorrupt */
  async manifest(digest: Digest): Promise<Uint8Array> {
    try {
      return await this.#storage.manifests.get(digest)
    } catch (error) {
      if (ChunkNotFound.is(error)) throw ManifestNotFound({ digest }, { cause: error })
      throw error
    }
  }

  /** To be read by another site. @throws ChunkNotFound, ChunkCorrupt */
  chunk(digest: Digest): Promise<Uint8Array> {
    return this.#storage.chunks.get(digest)
  }

  /** Deletes what none of `referenced` needs. Runs one at a time, beside anything else. */
  collectGarbage(referenced: Iterable<Digest>, options: CollectOptions): Promise<Collected> {
    const collecting = this.#collecting.then(() =>
      collectGarbage(this.#storage, this.#clock, referenced, options),
    )
    this.#collecting = collecting.catch(() => {})
    return collecting
  }

  /** Counts by walking the store: for a metric once a minute, not for a request. */
  async stats(): Promise<ImageStoreStats> {
    let [manifests, chunks, bytes] = [0, 0, 0]
    for await (const _ of this.#storage.manifests.list()) manifests++
    for await (const { sizeBytes } of this.#storage.chunks.list()) {
      chunks++
      bytes += sizeBytes
    }
    return { manifests, chunks, bytes }
  }
}
