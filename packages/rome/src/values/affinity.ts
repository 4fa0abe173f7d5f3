/** SQLite's type affinity (https://sqlite.org/datatype3.html, sections 3 and 4): what is converted before it is stored or compared. */

import { QueryNotSupported } from '../errors.ts'
import type { ColumnKind } from '../schema/column.ts'
import { boundValue, type Json, type Value } from './value.ts'

/** `none`: an expression; `blob`: a column that takes everything as it is. */
export type Affinity = 'text' | 'numeric' | 'real' | 'blob' | 'none'

/** How numbers of an expression look as text, and whether they divide as integers; `mixed` is not known before it runs. */
export type NumberForm = 'integer' | 'real' | 'mixed'

const affinities: Readonly<Record<ColumnKind, Affinity>> = {
  text: 'text',
  integer: 'numeric',
  real: 'real',
  boolean: 'numeric',
  json: 'numeric',
  blob: 'blob',
}

export function affinityOf(kind: ColumnKind): Affinity {
  return affinities[kind]
}

/** What a column of `kind` keeps when it is given `parameter`, of which a number is a real one, as the driver binds it. */
export function storedValue(kind: ColumnKind, parameter: unknown, form: NumberForm = 'real'): Value {
  if (kind === 'json' && typeof parameter === 'object') return jsonValue(parameter)
  const value = boundValue(parameter)
  switch (kind) {
    case 'text':
      return typeof value === 'number' ? numberText(value, form) : value
    case 'integer':
    case 'boolean':
    case 'real':
      return typeof value === 'string' ? numericOrText(value) : value
    case 'json':
      return typeof value === 'string' ? jsonText(value) : value
    case 'blob':
      return value
  }
}

// As JSON.stringify would write it and JSON.parse read it: nothing that the caller may change later is kept.
function jsonValue(parameter: object | null): Value {
  if (parameter === null || parameter instanceof Uint8Array) return parameter
  return jsonText(JSON.stringify(parameter))
}

function jsonText(text: string): Value {
  if (!/^\s*[[{]/.test(text)) return numericOrText(text)
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** The conversion that a comparison applies to both sides, given their affinities; null for none. */
export function comparisonAffinity(left: Affinity, right: Affinity): 'numeric' | 'text' | null {
  if (left === 'none' || right === 'none') {
    const affinity = left === 'none' ? right : left
    return affinity === 'real' ? 'numeric' : affinity === 'numeric' || affinity === 'text' ? affinity : null
  }
  return isNumeric(left) || isNumeric(right) ? 'numeric' : null
}

export function isNumeric(affinity: Affinity): boolean {
  return affinity === 'numeric' || affinity === 'real'
}

/** Text that is a number, from its first to its last character, as that number; else as it is. */
export function numericOrText(text: string): number | string {
  return /^[ \t\n\v\f\r]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\v\f\r]*$/.test(text)
    ? Number(text)
    : text
}

/** A number as SQLite writes it: 5 as `5` when it is an integer and as `5.0` when it is real. @throws QueryNotSupported beyond 12 digits */
export function numberText(number: number, form: NumberForm): string {
  if (Number.isInteger(number)) {
    if (form === 'integer' && Math.abs(number) < 2 ** 63) return BigInt(number).toString()
    if (Math.abs(number) < 1e15) return `${number}.0`
  }
  if (!Number.isFinite(number)) return number > 0 ? 'Inf' : '-Inf'
  return realText(number)
}

/** Where SQLite's own arithmetic shows in the digits that it writes, nobody should depend on them. */
const SHOWN_DIGITS = 12
const SHOWN_FROM = 1e-3
const SHOWN_TO = 1e17

// As SQLite's printf of `%!.17g`: the digits with a point, and at least one behind it.
function realText(number: number): string {
  const amount = Math.abs(number)
  const text = amount.toPrecision(SHOWN_DIGITS)
  if (Number(text) !== amount || amount < SHOWN_FROM || amount >= SHOWN_TO)
    throw QueryNotSupported({ what: 'a number of more than twelve digits as text', fragment: String(number) })
  const shown = String(amount)
  return `${number < 0 ? '-' : ''}${shown.includes('.') ? shown : `${shown}.0`}`
}
