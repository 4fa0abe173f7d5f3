/**
 * Uploads of this process. An upload is two transactions with the bytes between them:
 *
 *     queued ──► saving ──► active
 *        ▲          │
 *        └──────────┘  refused, broken off, or found by `repair` without anybody who still writes it
 *
 * A process that dies in between leaves `saving` behind; as an upload cannot outlive its connection, whatever is
 * `saving` here and not running, in this process or in another live one of this site, is put back, so that the client can
 * try again.
 */

import { Readable } from 'node:stream'
import {
  type ByteSource,
  DISK_FORMATS,
  type DiskFormat,
  type ImageStore,
  type Ingested,
  OS_HASH_ALGO,
  TransferAborted,
} from '@atoll/images'
import { Limiter, type Logger } from '@atoll/kit'
import { cloudScope, type State, type StateTransaction } from '@atoll/state'
import { FormatsMissing, ImageGone, StatusTransitionInvalid } from '../errors.ts'
import { type Caller, findImage, type Image, requireRule } from '../images/access.ts'
import { images } from '../records.ts'
import { imageUploads } from '../tables.ts'

export interface UploadsOptions {
  readonly state: State
  readonly images: ImageStore
  readonly log: Logger
  /** Resolves when the bytes are safe at a second place, before the image becomes active. Default: one place is enough. */
  readonly copy?: (manifestDigest: string) => Promise<void>
  /** This process, where a site has several. */
  readonly process?: { readonly name: string; readonly isAlive: (name: string) => boolean }
  /** Uploads at a time; each takes about 10 MiB of memory for chunks on their way to the disk. */
  readonly concurrencyMax?: number
}

/** One more than these is refused with `TooBusy`. */
const WAITING_MAX = 64

const scope = cloudScope('image uploads')
const ONLY_PROCESS = { name: '', isAlive: () => true }

export class Uploads {
  readonly #options: UploadsOptions
  readonly #limiter: Limiter
  readonly #running = new Set<string>()

  constructor(options: UploadsOptions) {
    this.#options = options
    const { concurrencyMax = 16 } = options
    this.#limiter = new Limiter({ what: 'image uploads', concurrencyMax, waitingMax: WAITING_MAX })
  }

  /**
   * Stores what `source` gives as the data of a queued image. Of several at a time for one image, one wins.
   * @throws ImageNotFound, ActionForbidden, StatusTransitionInvalid, FormatsMissing, ImageGone, TooBusy, and what
   * `ImageStore.ingest` throws; the image is then queued again
   */
  upload(caller: Caller & { readonly signal: AbortSignal }, id: string, source: ByteSource): Promise<void> {
    return this.#limiter.run(async () => {
      if (this.#running.has(id)) throw StatusTransitionInvalid({ from: 'saving', to: 'saving' })
      // Before the record says `saving`, so that no repair ever finds it without its upload.
      this.#running.add(id)
      try {
        await this.#upload(caller, id, source)
      } finally {
        this.#running.delete(id)
      }
    })
  }

  /** Puts back to `queued` what an upload left that no longer runs. Idempotent. */
  async repair(): Promise<void> {
    const { state, log } = this.#options
    const saving = await state
      .select(scope, images)
      .select(['id', 'home'])
      .where('status', '=', 'saving')
      .execute()
    const uploads = await state.local(imageUploads).selectAll().execute()
    const processOf = new Map(uploads.map(({ image_id, process }) => [image_id, process]))
    const isRunning = (id: string) => this.#running.has(id) || this.#runsElsewhere(processOf.get(id))
    for (const { id } of saving.filter((image) => state.isKeptHere(image) && !isRunning(image.id))) {
      const isRepaired = await state.transaction(async (transaction) =>
        // It may have begun anew since we looked.
        this.#running.has(id) ? false : requeue(transaction, id),
      )
      if (isRepaired) log.info({ image: id }, 'an interrupted upload was put back to queued')
    }
    const unneeded = uploads.filter(
      ({ image_id: id }) => !isRunning(id) && !saving.some((image) => image.id === id),
    )
    for (const { image_id: id } of unneeded)
      await state.transaction((transaction) => forgetUpload(transaction, id))
  }

  #runsElsewhere(name: string | undefined): boolean {
    const { process = ONLY_PROCESS } = this.#options
    return name !== undefined && name !== process.name && process.isAlive(name)
  }

  async #upload(
    caller: Caller & { readonly signal: AbortSignal },
    id: string,
    source: ByteSource,
  ): Promise<void> {
    const { state, log, copy = async () => {}, process = ONLY_PROCESS } = this.#options
    const image = await state.transaction(async (transaction) => {
      const begun = await begin(transaction, caller, id)
      await noteUpload(transaction, id, process.name)
      return begun
    })
    try {
      const ingested = await this.#ingest(image, source, caller.signal)
      await copy(ingested.manifest.digest)
      await state.transaction((transaction) => finish(transaction, id, ingested))
    } catch (error) {
      // The first error is what counts; an image that cannot be put back now is found by the next repair.
      await state
        .transaction((transaction) => requeue(transaction, id))
        .catch((failure) =>
          log.warn({ image: id, err: failure }, 'an upload could not be put back to queued'),
        )
      throw error
    }
  }

  async #ingest(image: Image, source: ByteSource, signal: AbortSignal): Promise<Ingested> {
    const diskFormat = DISK_FORMATS.find((format) => format === image.disk_format) as DiskFormat
    try {
      return await this.#options.images.ingest(source, { diskFormat, signal })
    } catch (error) {
      const isBrokenOff = source instanceof Readable && source.errored !== null
      throw isBrokenOff ? TransferAborted({}, { cause: error }) : error
    }
  }
}

async function noteUpload(transaction: StateTransaction, id: string, process: string): Promise<void> {
  await transaction.queries
    .insertInto(imageUploads.name)
    .values({ image_id: id, process })
    .onConflict((conflict) => conflict.column('image_id').doUpdateSet({ process }))
    .execute()
}

async function forgetUpload(transaction: StateTransaction, id: string): Promise<void> {
  await transaction.queries.deleteFrom(imageUploads.name).where('image_id', '=', id).execute()
}

async function begin(transaction: StateTransaction, caller: Caller, id: string): Promise<Image> {
  const image = await findImage(transaction, caller, id)
  requireRule(caller, 'upload_image', image)
  if (image.status !== 'queued') throw StatusTransitionInvalid({ from: image.status, to: 'saving' })
  const names = (['disk_format', 'container_format'] as const).filter((name) => image[name] === null)
  if (names.length > 0) throw FormatsMissing({ names })
  return transaction.update(images, id, { status: 'saving' })
}

async function finish(
  transaction: StateTransaction,
  id: string,
  { manifest, inspection }: Ingested,
): Promise<void> {
  await forgetUpload(transaction, id)
  const image = await transaction.find(scope, images, id)
  if (image?.status !== 'saving') throw ImageGone({ id })
  await transaction.update(images, id, {
    status: 'active',
    manifest_digest: manifest.digest,
    size_bytes: manifest.size,
    virtual_size_bytes: inspection?.virtualSizeBytes ?? null,
    checksum: manifest.checksum,
    os_hash_algo: OS_HASH_ALGO,
    os_hash_value: manifest.osHashValue,
  })
}

async function requeue(transaction: StateTransaction, id: string): Promise<boolean> {
  await forgetUpload(transaction, id)
  const image = await transaction.find(scope, images, id)
  if (image?.status !== 'saving') return false
  await transaction.update(images, id, { status: 'queued' })
  return true
}
