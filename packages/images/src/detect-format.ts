/** Which disk formats the head of a file looks like; several at once are a trick, or a bootable ISO. */

import type { ByteReader } from './byte-reader.ts'

/** What can be recognised. Anything else is raw. `gpt` stands for an MBR, too, as in OpenStack. */
export type RecognizedFormat = 'gpt' | 'iso' | 'luks' | 'qcow2' | 'qed' | 'vdi' | 'vhd' | 'vhdx' | 'vmdk'

/** Magic numbers as in oslo.utils `format_inspector` and in the probe functions of QEMU's `block/*.c`. */
export function detectFormats(head: ByteReader): readonly RecognizedFormat[] {
  const recognized: readonly (readonly [RecognizedFormat, boolean])[] = [
    ['gpt', isMasterBootRecord(head)],
    ['iso', ['CD001', 'NSR02', 'NSR03'].some((magic) => head.hasText(32 * 1024 + 1, magic))],
    ['luks', head.hasText(0, 'LUKS\xba\xbe')],
    ['qcow2', head.hasText(0, 'QFI\xfb')],
    ['qed', head.hasText(0, 'QED\0')],
    ['vdi', head.hasText(64, '\x7f\x10\xda\xbe')],
    ['vhd', head.hasText(0, 'conectix')],
    ['vhdx', head.hasText(0, 'vhdxfile')],
    ['vmdk', head.hasText(0, 'KDMV') || head.hasText(0, 'COWD') || isVmdkDescriptor(head)],
  ]
  return recognized.filter(([, isMatch]) => isMatch).map(([format]) => format)
}

// A FAT file system ends its first sector with the same signature, but has two tables on a fixed disk.
function isMasterBootRecord(head: ByteReader): boolean {
  const isFat = head.bytes[0x10] === 2 && head.bytes[0x15] === 0xf8
  return head.hasText(510, '\x55\xaa') && !isFat
}

// QEMU takes a text for a VMDK when its first line that is neither blank nor a comment gives a version.
function isVmdkDescriptor(head: ByteReader): boolean {
  const lines = head.bytes.toString('latin1', 0, 4096).split('\n')
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#'))
  return first?.startsWith('version=') ?? false
}
