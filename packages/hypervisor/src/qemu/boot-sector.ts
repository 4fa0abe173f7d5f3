/**
 * Boot sectors in machine code: the smallest guests there are. A BIOS loads the first 512 bytes of the disk to
 * 0x7c00 and jumps there in real mode when they end with 55 AA.
 */

const SECTOR_BYTES = 512
const LOAD_ADDRESS = 0x7c00

/** Port of the `isa-debug-exit` device; a byte `b` written there ends QEMU with exit code `2b + 1`. */
export const DEBUG_EXIT_PORT = 0xf4
export const DEBUG_EXIT_CODE = 0x21

/** A sector that holds `code`, at most 510 bytes. */
export function bootSector(code: readonly number[]): Uint8Array {
  if (code.length > SECTOR_BYTES - 2) throw new RangeError('the code does not fit into a boot sector')
  const sector = new Uint8Array(SECTOR_BYTES)
  sector.set(code)
  sector.set([0x55, 0xaa], SECTOR_BYTES - 2)
  return sector
}

/** Ends QEMU with `DEBUG_EXIT_CODE`: proof that the firmware ran, read a disk, and that the processor obeys. */
export const exitingBootSector = bootSector([
  ...[0xb0, (DEBUG_EXIT_CODE - 1) / 2], // mov al, 0x10
  ...[0xe6, DEBUG_EXIT_PORT], // out 0xf4, al
  ...[0xf4], // hlt
  ...[0xeb, 0xfd], // jmp to hlt
])

export type BootSectorBehaviour =
  /** Powers itself off when the power button is pressed. */
  | 'obedient'
  /** Knows no power button. */
  | 'deaf'
  /** Powers itself off as soon as it has printed its text. */
  | 'short-lived'

/** Prints `text` (ASCII) to the first serial port, then does what `behaviour` says. */
export function printingBootSector(text: string, behaviour: BootSectorBehaviour): Uint8Array {
  return bootSector(printingCode({ text, behaviour, offset: LOAD_ADDRESS }))
}

/** The code alone, for whatever runs in real mode at `offset` in its code segment. */
export function printingCode(options: {
  readonly text: string
  readonly behaviour: BootSectorBehaviour
  readonly offset: number
}): readonly number[] {
  const { text, behaviour, offset } = options
  const tail = TAILS[behaviour]
  const print = [
    ...[0xac], // lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x06], // jz past the loop
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8 (COM1)
    ...[0xee], // out dx, al
    ...[0xeb, 0xf5], // jmp to lodsb
  ]
  const useCodeSegment = [0x8c, 0xc8, 0x8e, 0xd8] // mov ax, cs; mov ds, ax
  const textOffset = offset + useCodeSegment.length + 3 + print.length + tail.length
  const pointAtText = [0xbe, textOffset & 0xff, textOffset >> 8] // mov si, text
  return [...useCodeSegment, ...pointAtText, ...print, ...tail, ...Buffer.from(`${text}\0`, 'latin1')]
}

// ACPI fixed hardware of q35 and pc, whose firmware puts the power management block at 0x600 (ACPI 6.5, 4.8.3).
const powerOff = [
  ...[0xba, 0x04, 0x06], // mov dx, 0x604 (PM1_CNT)
  ...[0xb8, 0x00, 0x20], // mov ax, SLP_EN, sleep type 0: soft off
  ...[0xef], // out dx, ax
  ...[0xf4, 0xeb, 0xfd], // hlt, again and again
]

const TAILS: Readonly<Record<BootSectorBehaviour, readonly number[]>> = {
  'short-lived': powerOff,
  deaf: [0xfb, 0xf4, 0xeb, 0xfd], // sti; hlt; jmp to hlt
  obedient: [
    ...[0xba, 0x02, 0x06], // mov dx, 0x602 (PM1_EN)
    ...[0xb8, 0x00, 0x01], // mov ax, PWRBTN_EN
    ...[0xef], // out dx, ax
    ...[0xfb], // sti: the timer wakes us 18 times a second
    ...[0xf4], // hlt
    ...[0xba, 0x00, 0x06], // mov dx, 0x600 (PM1_STS)
    ...[0xed], // in ax, dx
    ...[0xf6, 0xc4, 0x01], // test ah, 1 (PWRBTN_STS)
    ...[0x74, 0xf6], // jz to hlt
    ...powerOff,
  ],
}
