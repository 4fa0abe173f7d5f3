/** Values on their way to a SQL server and back: the types are those that the SQLite store answers with. */

import type { ColumnKind } from '../../schema/column.ts'

/** JSON as text, bytes as a Buffer, NaN as NULL; booleans stay, since servers differ in what they keep. */
export function encodeValue(value: unknown): unknown {
  if (Number.isNaN(value)) return null
  if (value === null || typeof value !== 'object') return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return JSON.stringify(value)
}

/** What a column of that kind holds, from what the driver gives. Undefined: it comes as it should. */
export function decoderOf(kind: ColumnKind | undefined): ((value: unknown) => unknown) | undefined {
  if (kind === 'json') return (value) => (typeof value === 'string' ? JSON.parse(value) : value)
  if (kind === 'boolean') return (value) => (value === null ? null : Boolean(value))
  return undefined
}
