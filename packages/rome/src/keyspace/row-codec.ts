/**
 * A stored row as bytes: a JSON array of its values by position, in Latin-1 (what lies beyond is escaped), so that the engine's
 * own parser reads it. Bytes are a list of one string in base64; JSON columns stand as they are.
 *
 * Additive: a row that ends early has the fallbacks of the columns that were added after it; what lies behind the columns
 * known here is kept and written back.
 */

import type { CatalogueColumn, CatalogueTable } from '../schema/catalogue.ts'
import type { ByteString, Hole } from '../stores/key-value/key-value-store.ts'
import type { StoredRow, Value } from '../values/value.ts'
import { PROVISIONAL_FROM, provisionalNumber, VALUE_HOLE_CHARACTERS } from './provisional.ts'

export function decodeRow(table: CatalogueTable, bytes: ByteString): StoredRow {
  const row = JSON.parse(bytes) as Value[]
  for (let position = row.length; position < table.layout.length; position++)
    row.push(fallbackOf(table, position))
  for (const { position, kind } of bytesColumns(table)) {
    const value = row[position]
    if (kind === 'blob' && Array.isArray(value)) row[position] = Buffer.from(value[0] as string, 'base64')
  }
  return row
}

/** The row as bytes, with what stands for numbers of commits at `holes`. */
export function encodeRow(table: CatalogueTable, row: StoredRow, holes: Hole[]): ByteString {
  if (!table.hasNumbers) return latin1(`[${row.map(element).join(',')}]`)
  let text = '['
  for (let position = 0; position < row.length; position++) {
    if (position > 0) text += ','
    const column = table.layout[position]
    const value = row[position] as Value
    const number = column ? provisionalNumber(column, value) : -1
    if (number >= 0) {
      holes.push({ in: 'value', offset: text.length, number })
      text += (PROVISIONAL_FROM + number).toString().padStart(VALUE_HOLE_CHARACTERS)
    } else text += latin1(element(value))
  }
  return `${text}]`
}

function element(value: Value): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? '1e999' : '-1e999'
  if (value instanceof Uint8Array) return `["${Buffer.from(value).toString('base64')}"]`
  return JSON.stringify(value)
}

function latin1(text: string): ByteString {
  return isWide.test(text)
    ? text.replace(wide, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text
}

const isWide = /[\u0100-\uffff]/
const wide = /[\u0100-\uffff]/g

function fallbackOf(table: CatalogueTable, position: number): Value {
  return (table.layout[position] as CatalogueColumn).fallback
}

const columnsOfBytes = new WeakMap<CatalogueTable, readonly CatalogueColumn[]>()

function bytesColumns(table: CatalogueTable): readonly CatalogueColumn[] {
  let columns = columnsOfBytes.get(table)
  if (!columns) {
    columns = table.layout.filter(({ kind }) => kind === 'blob')
    columnsOfBytes.set(table, columns)
  }
  return columns
}
