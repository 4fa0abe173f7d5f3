/** Rows as callers get them: objects of their own, values as SQLite's driver decodes them. */

import type { Decoder } from '../plan/scope.ts'
import type { Projection } from '../plan/select-plan.ts'
import { isJson, type Json, type Value } from '../values/value.ts'

export type OutputRow = Record<string, unknown>

export function handOut(projections: readonly Projection[], rows: Iterable<readonly Value[]>): OutputRow[] {
  // A copy of an object that has all names already is faster than one that grows.
  const template: OutputRow = {}
  for (const { name } of projections) template[name] = null
  const output: OutputRow[] = []
  for (const values of rows) {
    const row = { ...template }
    for (let at = 0; at < projections.length; at++) {
      const { name, expression } = projections[at] as Projection
      row[name] = decoded(values[at] as Value, expression.decoder)
    }
    output.push(row)
  }
  return output
}

function decoded(value: Value, decoder: Decoder): unknown {
  if (value === null) return null
  if (decoder === 'boolean') return value === 1
  if (typeof value !== 'object')
    return decoder === 'json' && typeof value === 'string' ? JSON.parse(value) : value
  if (!isJson(value)) return Buffer.from(value)
  return decoder === 'json' ? copied(value) : JSON.stringify(value)
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copied)
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const member = copied((value as Json & Record<string, unknown>)[name])
    if (name === '__proto__')
      Object.defineProperty(copy, name, {
        value: member,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    else copy[name] = member
  }
  return copy
}
