/**
 * Measured matrices from files. Two forms, each plain or compressed by gzip:
 *
 *     0       0.17    2.55          numbers between tabs or spaces, one row a line
 *     city,lat,lon,Adelaide,…       a header, then name, latitude, longitude and one round trip for each city;
 *     Adelaide,-34.9,138.6,0,…      an empty cell was not measured
 */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { assert } from '@atoll/kit'
import { DenseMatrix } from './dense-matrix.ts'

export interface ReadMatrixOptions {
  /** Of the numbers in the file; 1000 when they are seconds. Default: 1, milliseconds. */
  readonly unitMs?: number
}

/** @throws AssertionError when the file is no matrix; an error of the file system when it cannot be read */
export function readMatrix(path: string, { unitMs = 1 }: ReadMatrixOptions = {}): DenseMatrix {
  const bytes = readFileSync(path)
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  return parseMatrix((isGzip ? gunzipSync(bytes) : bytes).toString('utf8'), { unitMs })
}

export function parseMatrix(text: string, { unitMs = 1 }: ReadMatrixOptions = {}): DenseMatrix {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const isTable = lines[0]?.startsWith('city,lat,lon,') ?? false
  const rows = isTable
    ? lines.slice(1).map((line) => line.split(',').slice(3))
    : lines.map((line) => line.trim().split(/\s+/))
  const sites = isTable
    ? lines.slice(1).map((line) => line.slice(0, line.indexOf(',')))
    : rows.map((_, index) => `node-${index}`)
  assert(rows.length > 1, 'a matrix of round trips has two rows or more')
  const valuesMs = new Float64Array(rows.length ** 2)
  for (const [from, row] of rows.entries()) {
    assert(row.length === rows.length, `row ${from + 1} has ${row.length} cells, not ${rows.length}`)
    for (const [to, cell] of row.entries()) {
      const value = Number(cell.trim())
      assert(Number.isFinite(value), `row ${from + 1} has a cell that is no number: ${cell}`)
      valuesMs[from * rows.length + to] = value * unitMs
    }
  }
  return new DenseMatrix({ sites, valuesMs })
}
