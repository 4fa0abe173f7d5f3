/** Numbers of a commit in the places that were left for them. For stores that fill holes on the client's side. */

import type { ByteString, Hole, LogEntry, Write } from './key-value-store.ts'

const VALUE_WIDTH = 16

/** The writes of a commit that was given `firstNumber`. */
export function fillHoles(writes: readonly Write[], firstNumber: number): LogEntry['writes'] {
  return writes.map(({ space, key, value, holes }) => {
    if (holes.length === 0) return { space, key, value }
    const filled = { space, key, value }
    for (const hole of holes) {
      if (hole.in === 'key') filled.key = fill(filled.key, hole, numberInKey(firstNumber + hole.number))
      else if (filled.value !== null)
        filled.value = fill(filled.value, hole, String(firstNumber + hole.number).padStart(VALUE_WIDTH))
    }
    return filled
  })
}

/** Eight bytes that order as the numbers do: the double in big-endian, its sign bit set. `number` is not negative. */
export function numberInKey(number: number): ByteString {
  scratch.setFloat64(0, number)
  scratch.setUint8(0, scratch.getUint8(0) | 0x80)
  return String.fromCharCode(...new Uint8Array(scratch.buffer))
}

const scratch = new DataView(new ArrayBuffer(8))

function fill(bytes: ByteString, { offset }: Hole, filling: ByteString): ByteString {
  return bytes.slice(0, offset) + filling + bytes.slice(offset + filling.length)
}
