/**
 * Is this content of the format that its owner claims, and safe to hand to a host? The rules are those of
 * OpenStack since CVE-2024-32498 (oslo.utils `format_inspector`, Nova, Glance 2025.1), on bytes in memory only.
 */

import { assertNever } from '@atoll/kit'
import { ByteReader } from './byte-reader.ts'
import { detectFormats, type RecognizedFormat } from './detect-format.ts'
import { FormatMismatch, ImageUnsafe } from './errors.ts'
import { inspectQcow2 } from './inspect-qcow2.ts'
import { inspectVmdk, VMDK_FOOTER_BYTES } from './inspect-vmdk.ts'

/** Glance's `disk_format`. */
export type DiskFormat = (typeof DISK_FORMATS)[number]

export const DISK_FORMATS = [
  'ami',
  'ari',
  'aki',
  'vhd',
  'vhdx',
  'vmdk',
  'raw',
  'qcow2',
  'vdi',
  'ploop',
  'iso',
  'gpt',
] as const

export type DetectedFormat = 'raw' | RecognizedFormat

export interface ImageContent {
  /** The first `HEAD_BYTES` of the image, or all of a smaller one. */
  readonly head: Uint8Array
  /** Known once all of it was seen; until then the checks that need it wait. */
  readonly end?: { readonly sizeBytes: number; readonly tail: Uint8Array } | undefined
}

export interface InspectOptions {
  /** 1 PiB by default. */
  readonly virtualBytesMax?: number | undefined
}

export interface ImageInspection {
  readonly format: DetectedFormat
  /** What a guest sees. Undefined when it stands too deep in the file (vhdx), or is not known before the end (raw). */
  readonly virtualSizeBytes: number | undefined
}

/** As much of the head as any check reads. */
export const HEAD_BYTES = 1024 * 1024
/** As much of the end as any check reads. */
export const TAIL_BYTES = VMDK_FOOTER_BYTES

const VIRTUAL_BYTES_MAX = 1024 ** 5

/**
 * @throws FormatMismatch when the content is not of the claimed format, or of several at once
 * @throws ImageUnsafe when it refers to other files, or is absurd
 */
export function inspectImage(
  claimed: DiskFormat,
  content: ImageContent,
  { virtualBytesMax = VIRTUAL_BYTES_MAX }: InspectOptions = {},
): ImageInspection {
  const head = new ByteReader(content.head)
  const format = confirmFormat(claimed, detectFormats(head))
  const virtualSizeBytes = inspectFormat(format, head, content.end)
  if (virtualSizeBytes !== undefined && virtualSizeBytes > virtualBytesMax) {
    throw ImageUnsafe({ check: 'virtual_size', reason: `Virtual size is above ${virtualBytesMax} bytes` })
  }
  return { format, virtualSizeBytes }
}

function confirmFormat(claimed: DiskFormat, detected: readonly RecognizedFormat[]): DetectedFormat {
  const [first, ...others] = detected.length > 0 ? detected : (['raw'] as const)
  const isOnly = others.length === 0
  switch (claimed) {
    // A partitioned disk was always uploaded as raw, and OpenStack goes on to accept it. All other content that
    // QEMU could take for a format of its own is refused: that is how a qcow2 once got past the checks.
    case 'raw':
    case 'ami':
    case 'ari':
    case 'aki':
    case 'ploop':
      if (isOnly && (first === 'raw' || first === 'gpt')) return first
      break
    // A bootable ISO carries a partition table, too.
    case 'iso':
      if (detected.includes('iso') && detected.every((format) => format === 'iso' || format === 'gpt'))
        return 'iso'
      break
    case 'gpt':
    case 'qcow2':
    case 'vdi':
    case 'vhd':
    case 'vhdx':
    case 'vmdk':
      if (isOnly && first === claimed) return first
      break
    default:
      assertNever(claimed, 'disk format')
  }
  throw FormatMismatch({ claimed, detected: [first, ...others].join(', ') })
}

function inspectFormat(
  format: DetectedFormat,
  head: ByteReader,
  end: ImageContent['end'],
): number | undefined {
  switch (format) {
    case 'raw':
    case 'gpt':
    case 'iso':
      return end?.sizeBytes
    case 'qcow2':
      return inspectQcow2(head)
    case 'vmdk':
      return inspectVmdk(head, end && new ByteReader(end.tail))
    case 'vdi':
      return head.u64le(0x170)
    case 'vhd':
      return head.u64be(48)
    case 'vhdx':
      return undefined
    case 'luks':
    case 'qed':
      throw ImageUnsafe({ check: 'banned', reason: 'This file format is not allowed' })
    default:
      return assertNever(format)
  }
}
