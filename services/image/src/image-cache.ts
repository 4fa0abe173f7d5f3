/**
 * Images as files, for hosts to run guests from: fetched when missing, named after their manifest, never changed.
 * Two images with the same bytes are one file.
 */

import { type Files, isDigest } from '@atoll/images'
import type { Clock } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import { ImageNotActive, ImageNotFound } from './errors.ts'
import { bringImage, type ImageBytes, orUnreachable } from './image-data/bring.ts'
import type { Image } from './images/access.ts'
import { images as imageTable } from './records.ts'

export interface ImageCacheOptions extends ImageBytes {
  readonly state: State
  readonly files: Files
  /** Absolute; this cache's alone. */
  readonly directory: string
  /** Must agree with the times that `files` gives. */
  readonly clock: Clock
}

export interface CachedImage {
  readonly path: string
  /** Glance's `disk_format`. */
  readonly format: string
  readonly virtualSizeBytes: number
}

export interface BootFiles {
  readonly kernelPath: string | undefined
  readonly ramdiskPath: string | undefined
  /** As the property `os_command_line` has it. */
  readonly commandLine: string | undefined
}

export interface EvictOptions {
  /** What may stay. Sizes are those of the images; holes, which take no space, are counted. */
  readonly bytesMax: number
  /** Paths that something runs from; never evicted. */
  readonly inUse: ReadonlySet<string>
  /** What was asked for within this time stays, an hour by default: its user may not be in `inUse` yet. */
  readonly graceMs?: number
}

export interface Evicted {
  readonly files: number
  readonly bytes: number
}

const scope = cloudScope('image cache')
const HOUR_MS = 3_600_000
/** A file that was asked for is not touched again for so long: guests often start many at a time from one image. */
const TOUCH_MS = 10_000

export function createImageCache(options: ImageCacheOptions): ImageCache {
  return new ImageCache(options)
}

export class ImageCache {
  readonly #options: ImageCacheOptions
  /** By digest: who asks meanwhile shares the work. */
  readonly #bringing = new Map<string, Promise<void>>()
  readonly #evicting = new Map<string, Promise<void>>()
  /** By path: when a file that is here was last touched. */
  readonly #touchedMs = new Map<string, number>()

  constructor(options: ImageCacheOptions) {
    this.#options = options
  }

  /**
   * Makes the image a file here and answers where. Callers have checked that whoever asks may see the image.
   * @throws ImageNotFound, ImageNotActive, ImageDataUnreachable, StoreFull, and see `ImageStore.materialize`
   */
  async pathOf(imageId: string): Promise<CachedImage> {
    const image = await this.#find(imageId)
    const path = `${this.#options.directory}/${image.manifest_digest}`
    await this.#bring(image, path)
    const virtualSizeBytes = image.virtual_size_bytes ?? image.size_bytes ?? 0
    return { path, format: image.disk_format ?? 'raw', virtualSizeBytes }
  }

  /** The images that the properties `kernel_id` and `ramdisk_id` name, as files. Undefined for what is not set. */
  async bootFilesOf(imageId: string): Promise<BootFiles> {
    const { properties } = await this.#find(imageId)
    const [kernelPath, ramdiskPath] = await Promise.all(
      [properties.kernel_id, properties.ramdisk_id].map(async (id) =>
        id ? (await this.pathOf(id)).path : undefined,
      ),
    )
    return { kernelPath, ramdiskPath, commandLine: properties.os_command_line }
  }

  /**
   * Where these images, and those that they boot with, are or would be as files, those that were deleted included: a
   * guest goes on with what it has.
   */
  async pathsOf(imageIds: readonly string[]): Promise<ReadonlySet<string>> {
    const disks = await this.#digestsOf(imageIds)
    const bootIds = disks.flatMap(({ properties: { kernel_id, ramdisk_id } }) => [kernel_id, ramdisk_id])
    const rows = [...disks, ...(await this.#digestsOf(bootIds.filter((id) => id !== undefined)))]
    // An image that may no longer be known here is not: a guest that was made from it runs on, from a file that nothing names.
    const unnamed = disks.length < new Set(imageIds).size ? await this.#unnamedFiles() : []
    const digests = [...rows.map(({ manifest_digest }) => manifest_digest), ...unnamed]
    return new Set(digests.map((digest) => `${this.#options.directory}/${digest}`))
  }

  /** Deletes the files that were not asked for the longest until at most `bytesMax` are left; left-overs of a crash too. */
  async evict({ bytesMax, inUse, graceMs = HOUR_MS }: EvictOptions): Promise<Evicted> {
    const { files, directory, clock } = this.#options
    const usedMsMax = clock.nowMs() - graceMs
    const entries = await this.#list()
    let total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const evicted = { files: 0, bytes: 0 }
    for (const { name, sizeBytes, modifiedMs } of entries) {
      const path = `${directory}/${name}`
      const digest = name.split('.', 1)[0] ?? ''
      if (modifiedMs > usedMsMax || inUse.has(path) || this.#bringing.has(digest)) continue
      if (isDigest(name) && total <= bytesMax) continue
      this.#touchedMs.delete(path)
      const removal = files.remove(path).finally(() => this.#evicting.delete(digest))
      this.#evicting.set(
        digest,
        removal.catch(() => {}),
      )
      await removal
      total -= sizeBytes
      evicted.files++
      evicted.bytes += sizeBytes
    }
    return evicted
  }

  /** Files of images that no record names. */
  async #unnamedFiles(): Promise<readonly string[]> {
    const names = (await this.#list()).map(({ name }) => name).filter(isDigest)
    if (names.length === 0) return []
    const named = await this.#options.state
      .selectWithTombstones(scope, imageTable)
      .select('manifest_digest')
      .where('manifest_digest', 'in', names)
      .execute()
    const known = new Set(named.map(({ manifest_digest }) => manifest_digest))
    return names.filter((name) => !known.has(name))
  }

  #digestsOf(imageIds: readonly string[]) {
    return this.#options.state
      .selectWithTombstones(scope, imageTable)
      .select(['manifest_digest', 'properties'])
      .where('id', 'in', imageIds)
      .where('manifest_digest', 'is not', null)
      .execute()
  }

  async #bring(image: CachableImage, path: string): Promise<void> {
    const digest = image.manifest_digest
    for (let removal = this.#evicting.get(digest); removal; removal = this.#evicting.get(digest))
      await removal
    const running = this.#bringing.get(digest)
    if (running) return running
    const work = this.#materialize(image, path).finally(() => this.#bringing.delete(digest))
    this.#bringing.set(digest, work)
    return work
  }

  async #materialize(image: CachableImage, path: string): Promise<void> {
    const { files, images, clock } = this.#options
    const nowMs = clock.nowMs()
    const ageMs = nowMs - (this.#touchedMs.get(path) ?? Number.NEGATIVE_INFINITY)
    if (ageMs >= 0 && ageMs < TOUCH_MS) return
    // The file alone is enough: its chunks need not be here any more.
    if ((await files.stat(path)) === undefined) {
      await bringImage(this.#options, image)
      await orUnreachable(image, images.materialize(image.manifest_digest, path))
    }
    await files.touch(path)
    this.#touchedMs.set(path, nowMs)
  }

  async #find(id: string): Promise<CachableImage> {
    const image = await this.#options.state.find(scope, imageTable, id)
    if (!image) throw ImageNotFound({ id })
    const { status, manifest_digest } = image
    if (status !== 'active' || manifest_digest === null) throw ImageNotActive({ id })
    return { ...image, manifest_digest }
  }

  /** What was asked for the longest ago comes first. */
  async #list() {
    const { files, directory } = this.#options
    const entries = []
    for (const name of await files.list(directory)) {
      const stat = await files.stat(`${directory}/${name}`)
      if (stat) entries.push({ name, ...stat })
    }
    return entries.sort((left, right) => left.modifiedMs - right.modifiedMs)
  }
}

type CachableImage = Image & { readonly manifest_digest: string }
