/** What can go wrong with image bytes, as a client of Glance reads it. Statuses and wording are Glance's where it has them. */

import { defineError } from '@atoll/kit'
import type { Digest } from './digest.ts'

/** Glance answers 413 here, not 507, and clients know it. */
export const StoreFull = defineError<object>({
  code: 'images.store.full',
  status: 413,
  fault: 'overLimit',
  message: () => 'Image storage media is full: There is not enough disk space on the image storage media.',
})

export const ImageTooLarge = defineError<{ readonly sizeMax: number }>({
  code: 'images.ingest.too_large',
  status: 413,
  fault: 'overLimit',
  message: () => 'The provided image is too large.',
})

export const TransferAborted = defineError<object>({
  code: 'images.transfer.aborted',
  status: 400,
  fault: 'badRequest',
  message: () => 'Client disconnected before sending all data to backend',
})

export const ChunkNotFound = defineError({
  code: 'images.chunk.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ digest }: { digest: Digest }) => `Chunk ${digest} is not stored here.`,
})

/** The bytes on disk no longer match their name. They were moved aside; another site may still have good ones. */
export const ChunkCorrupt = defineError({
  code: 'images.chunk.corrupt',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ digest }: { digest: Digest }) => `Chunk ${digest} is damaged at this site.`,
})

export const ManifestNotFound = defineError({
  code: 'images.manifest.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ digest }: { digest: Digest }) => `Image data ${digest} is not stored here.`,
})

export const ManifestInvalid = defineError({
  code: 'images.manifest.invalid',
  status: 502,
  fault: 'badGateway',
  message: ({ reason }: { reason: string }) => `Invalid image manifest: ${reason}`,
})

/** Another site sent bytes that are not what was asked for. Nothing of them was kept. */
export const SourceInvalid = defineError({
  code: 'images.source.invalid',
  status: 502,
  fault: 'badGateway',
  message: ({ digest }: { digest: Digest }) => `The source sent other bytes than ${digest}.`,
})

export const RangeNotSatisfiable = defineError({
  code: 'images.range.not_satisfiable',
  status: 416,
  fault: 'requestedRangeNotSatisfiable',
  message: ({ offset, length, size }: { offset: number; length: number; size: number }) =>
    `Range of ${length} bytes at ${offset} is outside of the image of ${size} bytes.`,
})

export const PathOccupied = defineError({
  code: 'images.materialize.path_occupied',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ path }: { path: string }) => `${path} exists and is not this image.`,
})

/** Nova's wording since CVE-2024-32498. */
export const FormatMismatch = defineError({
  code: 'images.format.mismatch',
  status: 415,
  fault: 'unsupportedMediaType',
  message: ({ claimed, detected }: { claimed: string; detected: string }) =>
    `Image content does not match disk_format: expected ${claimed} but detected as ${detected}`,
})

/** The content is of the claimed format, but something in it is dangerous or absurd. */
export const ImageUnsafe = defineError({
  code: 'images.format.unsafe',
  status: 415,
  fault: 'unsupportedMediaType',
  message: ({ check, reason }: { check: string; reason: string }) =>
    `Safety checks failed: ${check}: ${reason}`,
})
