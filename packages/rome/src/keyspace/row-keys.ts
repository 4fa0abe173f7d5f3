/** Keys of rows and of index entries, and the writes that keep both. */

import { assert } from '@atoll/kit'
import type { CatalogueColumn, CatalogueIndex, CatalogueTable } from '../schema/catalogue.ts'
import type { ByteString, Hole, Write } from '../stores/key-value/key-value-store.ts'
import { storedValue } from '../values/affinity.ts'
import type { StoredRow, Value } from '../values/value.ts'
import { encodeValue } from './encode-value.ts'
import { provisionalNumber } from './provisional.ts'
import { encodeRow } from './row-codec.ts'

/** The length of a primary key stands in two bytes behind each index entry. */
const PRIMARY_KEY_BYTES_MAX = 0xffff

export function rowKey(table: CatalogueTable, row: StoredRow): ByteString {
  let key = ''
  for (const { position } of table.primaryKey) key += encodeValue(row[position] as Value)
  return key
}

/** As `rowKey`, of the columns of the primary key alone, by name. */
export function keyOfColumns(table: CatalogueTable, values: Readonly<Record<string, unknown>>): ByteString {
  let key = ''
  for (const { name, kind } of table.primaryKey) key += encodeValue(storedValue(kind, values[name]))
  return key
}

/** The part of an index entry before the primary key; null when a value of it is NULL, which equals nothing. */
export function uniquePrefix(index: CatalogueIndex, row: StoredRow): ByteString | null {
  let prefix = ''
  for (const { position } of index.columns) {
    const value = row[position] as Value
    if (value === null) return null
    prefix += encodeValue(value)
  }
  return prefix
}

export function indexKey(index: CatalogueIndex, row: StoredRow, primaryKey: ByteString): ByteString {
  let key = ''
  for (const { position } of index.columns) key += encodeValue(row[position] as Value)
  return key + primaryKey + String.fromCharCode(primaryKey.length >>> 8, primaryKey.length & 0xff)
}

/** The key of the row that an index entry stands for. */
export function rowKeyOfEntry(entry: ByteString): ByteString {
  const end = entry.length - 2
  const length = (entry.charCodeAt(end) << 8) | entry.charCodeAt(end + 1)
  return entry.slice(end - length, end)
}

/**
 * The writes that turn `before` into `after`, index entries included; undefined is no row. A row and entries that stay as
 * they are need no write.
 */
export function rowWrites(
  table: CatalogueTable,
  before: StoredRow | undefined,
  after: StoredRow | undefined,
): Write[] {
  const writes: Write[] = []
  const keyBefore = before && rowKey(table, before)
  const keyAfter = after && rowKey(table, after)
  assert((keyAfter ?? '').length <= PRIMARY_KEY_BYTES_MAX, 'a primary key is longer than 65535 bytes')
  if (keyBefore !== undefined && keyBefore !== keyAfter) writes.push(removal(table.space, keyBefore))
  if (after && keyAfter !== undefined) {
    const holes = keyHoles(table, table.primaryKey, after)
    writes.push({ space: table.space, key: keyAfter, value: encodeRow(table, after, holes), holes })
  }
  for (const index of table.indexes) {
    const entryBefore = before && indexKey(index, before, keyBefore ?? '')
    const entryAfter = after && indexKey(index, after, keyAfter ?? '')
    if (entryBefore === entryAfter) continue
    if (entryBefore !== undefined) writes.push(removal(index.space, entryBefore))
    if (entryAfter !== undefined && after)
      writes.push({ space: index.space, key: entryAfter, value: '', holes: entryHoles(table, index, after) })
  }
  return writes
}

/** The entry of one row in one index: to make an index over rows that exist. */
export function indexWrite(table: CatalogueTable, index: CatalogueIndex, row: StoredRow): Write {
  return { space: index.space, key: indexKey(index, row, rowKey(table, row)), value: '', holes: [] }
}

function removal(space: string, key: ByteString): Write {
  return { space, key, value: null, holes: [] }
}

function entryHoles(table: CatalogueTable, index: CatalogueIndex, row: StoredRow): Hole[] {
  return table.hasNumbers ? keyHoles(table, [...index.columns, ...table.primaryKey], row) : []
}

function keyHoles(table: CatalogueTable, columns: readonly CatalogueColumn[], row: StoredRow): Hole[] {
  if (!table.hasNumbers) return []
  const holes: Hole[] = []
  let offset = 0
  for (const column of columns) {
    const value = row[column.position] as Value
    const number = provisionalNumber(column, value)
    if (number >= 0) holes.push({ in: 'key', offset: offset + 1, number })
    offset += encodeValue(value).length
  }
  return holes
}
