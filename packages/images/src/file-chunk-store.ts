/**
 * Chunks as files, in one directory per first two digits of the digest:
 *
 *     <path>/ab/ab3f…      a chunk; written under a temporary name, synced, renamed: whole or absent
 *     <path>/temporary/7   being written, or left by a crash and removed at the next open
 *     <path>/quarantine/…  damaged: kept for the operator, never served, one per digest
 *
 * Over `diskFiles` this is the store of production, over `MemoryFiles` that of the simulator.
 */

import { Limiter } from '@atoll/kit'
import type { ChunkStore, StoredChunk } from './chunk-store.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import { ChunkCorrupt, ChunkNotFound, StoreFull } from './errors.ts'
import { type Files, hasErrorCode } from './files.ts'

export interface FileChunkStoreOptions {
  /** Absolute. One process at a time may have it open: what it finds in `temporary` is taken for left-overs. */
  readonly path: string
  readonly files: Files
  /** The largest chunk; a file that is larger is damaged. */
  readonly chunkBytesMax: number
  /** Kept free for those who share the disk, such as the site's database, which must not stop when images fill it. */
  readonly reserveBytes?: number
  /** More at a time only take memory: one chunk each. */
  readonly openFilesMax?: number
  /** How many operations may wait for an open file before `TooBusy`. */
  readonly waitingMax?: number
}

export class FileChunkStore implements ChunkStore {
  readonly #path: string
  readonly #files: Files
  readonly #chunkBytesMax: number
  readonly #reserveBytes: number
  readonly #limiter: Limiter
  /** Directories whose names may not be durable yet. */
  readonly #unsynced: Set<string>
  readonly #made: Set<string>
  #syncing: Promise<void> = Promise.resolve()
  #temporaries = 0

  private constructor(options: FileChunkStoreOptions, directories: readonly string[]) {
    this.#path = options.path
    this.#files = options.files
    this.#chunkBytesMax = options.chunkBytesMax
    this.#reserveBytes = options.reserveBytes ?? 0
    const { openFilesMax: concurrencyMax = 32, waitingMax = 4096 } = options
    this.#limiter = new Limiter({ what: 'the image store', concurrencyMax, waitingMax })
    this.#made = new Set(directories)
    // A crash of the process, then a power loss: names from before the crash may still not be durable.
    this.#unsynced = new Set(directories)
  }

  /** Makes what is missing, removes what a crash left half-written. */
  static async open(options: FileChunkStoreOptions): Promise<FileChunkStore> {
    const { files, path } = options
    const temporary = `${path}/temporary`
    await files.makeDirectory(temporary)
    await files.makeDirectory(`${path}/quarantine`)
    for (const name of await files.list(temporary)) await files.remove(`${temporary}/${name}`)
    const names = (await files.list(path)).filter(isFanOut)
    return new FileChunkStore(
      options,
      names.map((name) => `${path}/${name}`),
    )
  }

  put(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    return this.#limiter.run(async () => {
      const path = this.#pathOf(digest)
      const existing = await this.#files.stat(path)
      if (existing?.sizeBytes === bytes.length) {
        await this.#files.touch(path)
        return false
      }
      await this.#write(path, bytes)
      return true
    })
  }

  get(digest: Digest): Promise<Uint8Array> {
    return this.#limiter.run(async () => {
      const path = this.#pathOf(digest)
      const bytes = await this.#files.read(path, this.#chunkBytesMax + 1)
      if (!bytes) throw ChunkNotFound({ digest })
      if (digestOf(bytes) === digest) return bytes
      await this.#files.rename(path, `${this.#path}/quarantine/${digest}`)
      throw ChunkCorrupt({ digest })
    })
  }

  has(digest: Digest): Promise<boolean> {
    return this.#limiter.run(async () => (await this.#files.stat(this.#pathOf(digest))) !== undefined)
  }

  delete(digest: Digest): Promise<void> {
    return this.#limiter.run(() => this.#files.remove(this.#pathOf(digest)))
  }

  async *list(): AsyncIterable<StoredChunk> {
    for (const directory of (await this.#files.list(this.#path)).filter(isFanOut)) {
      for (const digest of (await this.#files.list(`${this.#path}/${directory}`)).filter(isDigest)) {
        const stat = await this.#files.stat(this.#pathOf(digest))
        if (stat) yield { digest, sizeBytes: stat.sizeBytes, usedMs: stat.modifiedMs }
      }
    }
  }

  // One after the other: a caller must not return while another still syncs the directory of its chunk.
  sync(): Promise<void> {
    const syncing = this.#syncing.then(() => this.#syncDirectories())
    this.#syncing = syncing.catch(() => {})
    return syncing
  }

  async #syncDirectories(): Promise<void> {
    for (const directory of [...this.#unsynced]) {
      this.#unsynced.delete(directory)
      try {
        await this.#files.syncDirectory(directory)
      } catch (error) {
        this.#unsynced.add(directory)
        throw error
      }
    }
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${this.#path}/temporary/${this.#temporaries++}`
    try {
      const freeBytes = await this.#files.freeBytes(this.#path)
      if (freeBytes - bytes.length < this.#reserveBytes) throw StoreFull({})
      await this.#writeDurably(temporary, bytes)
      const directory = path.slice(0, path.lastIndexOf('/'))
      await this.#makeFanOut(directory)
      await this.#files.rename(temporary, path)
      this.#unsynced.add(directory)
    } catch (error) {
      // The first error is what counts; a file that cannot even be removed goes at the next open.
      await this.#files.remove(temporary).catch(() => {})
      if (hasErrorCode(error, 'ENOSPC', 'EDQUOT')) throw StoreFull({}, { cause: error })
      throw error
    }
  }

  async #writeDurably(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#files.create(path)
    try {
      await file.write(bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #makeFanOut(directory: string): Promise<void> {
    if (this.#made.has(directory)) return
    await this.#files.makeDirectory(directory)
    this.#made.add(directory)
  }

  #pathOf(digest: Digest): string {
    return `${this.#path}/${digest.slice(0, 2)}/${digest}`
  }
}

function isFanOut(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name)
}
