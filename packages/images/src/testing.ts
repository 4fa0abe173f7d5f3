/** What the tests of this package share: file systems to run the same suite over, content, and files that fail. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { type Clock, seededRandom } from '@atoll/kit'
import { CHUNK_BYTES } from './chunk-store.ts'
import { diskFiles } from './disk-files.ts'
import type { Files, WritableFile } from './files.ts'
import { ImageStore } from './image-store.ts'
import { MemoryFiles } from './memory-files.ts'

export interface TestPlace {
  readonly files: Files
  readonly path: string
  readonly remove: () => Promise<void>
}

/** Each store test runs over both. */
export const places = {
  disk: async () => {
    const path = await mkdtemp(`${tmpdir()}/atoll-images-`)
    return { files: diskFiles, path, remove: () => rm(path, { recursive: true }) }
  },
  memory: async () => ({
    files: new MemoryFiles({ clock: testClock }),
    path: '/images',
    remove: async () => {},
  }),
} satisfies Record<string, () => Promise<TestPlace>>

/** The wall clock of both file systems, so that ages agree. Nothing here waits. */
export const testClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: () => () => {},
}

export function openImageStore(place: Pick<TestPlace, 'files' | 'path'>): Promise<ImageStore> {
  return ImageStore.open({ path: place.path, files: place.files, clock: testClock })
}

/** An image of chunks: a number seeds a chunk of noise, 0 is a chunk of zeros; `tailBytes` of noise at the end. */
export function imageOf(seeds: readonly number[], tailBytes = 0): Buffer {
  const tail = noise(9999).subarray(0, tailBytes)
  return Buffer.concat([...seeds.map((seed) => (seed === 0 ? Buffer.alloc(CHUNK_BYTES) : noise(seed))), tail])
}

/** A source that gives pieces of odd size, as a network does. */
export async function* inPieces(bytes: Uint8Array, pieceBytes = 99_991): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** Dies at the given step: that one has half its effect and fails, as does all that follows. */
export class DyingFiles implements Files {
  readonly #files: Files
  readonly #stepToDie: number
  steps = 0

  constructor(files: Files, stepToDie: number) {
    this.#files = files
    this.#stepToDie = stepToDie
  }

  get isDead(): boolean {
    return this.steps >= this.#stepToDie
  }

  makeDirectory = (path: string) => this.#step(() => this.#files.makeDirectory(path))
  touch = (path: string) => this.#step(() => this.#files.touch(path))
  rename = (from: string, to: string) => this.#step(() => this.#files.rename(from, to))
  remove = (path: string) => this.#step(() => this.#files.remove(path))
  syncDirectory = (path: string) => this.#step(() => this.#files.syncDirectory(path))
  list = (path: string) => this.#read(() => this.#files.list(path))
  stat = (path: string) => this.#read(() => this.#files.stat(path))
  read = (path: string, bytesMax: number) => this.#read(() => this.#files.read(path, bytesMax))
  freeBytes = (path: string) => this.#read(() => this.#files.freeBytes(path))

  async create(path: string): Promise<WritableFile> {
    const file = await this.#step(() => this.#files.create(path))
    return {
      write: (bytes, position) =>
        this.#step(
          () => file.write(bytes, position),
          () => file.write(bytes.subarray(0, bytes.length / 2), position),
        ),
      truncate: (sizeBytes) => this.#step(() => file.truncate(sizeBytes)),
      sync: () => this.#step(() => file.sync()),
      // The kernel closes the files of a dead process.
      close: () => file.close(),
    }
  }

  async #step<T>(whole: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    if (this.isDead) throw new Error('the process is dead')
    this.steps++
    if (!this.isDead) return await whole()
    await half?.()
    throw new Error('the process dies here')
  }

  async #read<T>(operation: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new Error('the process is dead')
    return await operation()
  }
}

const noises = new Map<number, Buffer>()
function noise(seed: number): Buffer {
  const known = noises.get(seed) ?? Buffer.from(seededRandom(seed).bytes(CHUNK_BYTES))
  noises.set(seed, known)
  return known
}

/** The seed of a randomized test: `SEED=` repeats a run that failed. */
export function seedOf(t: TestContext): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`SEED=${seed}`)
  return seed
}
