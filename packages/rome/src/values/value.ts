/**
 * Values as operators see them: SQLite's storage classes (https://sqlite.org/datatype3.html), so that every comparison has
 * SQLite's outcome. A boolean is 0 or 1. JSON counts as its text, but is kept parsed: it is read far oftener than compared.
 */

export type Json = readonly unknown[] | { readonly [name: string]: unknown }

export type Value = null | number | string | Uint8Array | Json

/** A row as stored: its values by position in the table's layout. Never changed once it is made. */
export type StoredRow = readonly Value[]

/** What the driver is given for a parameter of a query. NaN counts as NULL, as SQLite binds it. */
export function boundValue(parameter: unknown): Value {
  if (typeof parameter === 'string') return parameter.isWellFormed() ? parameter : parameter.toWellFormed()
  if (typeof parameter === 'number') return Number.isNaN(parameter) ? null : parameter === 0 ? 0 : parameter
  if (parameter === null || parameter instanceof Uint8Array) return parameter
  if (typeof parameter === 'boolean') return parameter ? 1 : 0
  if (typeof parameter === 'bigint') return Number(parameter)
  if (typeof parameter === 'object') return JSON.stringify(parameter)
  throw new TypeError(`a query cannot be given a ${typeof parameter} as a value`)
}

export function isJson(value: Value): value is Json {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

/** The value with JSON as its text: one of SQLite's storage classes. */
export function plain(value: Value): null | number | string | Uint8Array {
  return isJson(value) ? JSON.stringify(value) : value
}

/** SQLite's order of all values: NULL, numbers, text by code point, bytes. Negative, zero or positive. */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === 'number' && typeof right === 'number') return left < right ? -1 : left > right ? 1 : 0
  const a = plain(left)
  const b = plain(right)
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return rank(a) - rank(b)
}

function rank(value: null | number | string | Uint8Array): number {
  if (value === null) return 0
  if (typeof value === 'number') return 1
  return typeof value === 'string' ? 2 : 3
}

/** By code point, as UTF-8 compares. JavaScript's `<` goes by UTF-16 unit, where surrogates lie below U+E000. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a === b) continue
    const isHigh = a >= 0xd800 && b >= 0xd800
    return isHigh ? rotated(a) - rotated(b) : a - b
  }
  return left.length - right.length
}

// Lifts the surrogates above all other units.
function rotated(unit: number): number {
  return unit <= 0xdfff ? unit + 0x2000 : unit - 0x800
}

/** SQLite's truth of a value; null is neither true nor false. */
export function truth(value: Value): boolean | null {
  if (value === null) return null
  return (typeof value === 'number' ? value : numericPrefix(value)) !== 0
}

/** The number that SQLite reads from the beginning of anything: 0 when there is none. */
export function numericPrefix(value: Value): number {
  if (value === null || typeof value === 'number') return value ?? 0
  const text = value instanceof Uint8Array ? Buffer.from(value).toString() : plain(value)
  const match = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(String(text))
  return match ? Number(match[1]) : 0
}
