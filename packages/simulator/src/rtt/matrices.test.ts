import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { seededRandom } from '@atoll/kit'
import { driftMatrix, generateMatrix } from './generate-matrix.ts'
import { parseMatrix, readMatrix } from './read-matrix.ts'

test('a square of numbers is read, in its unit, compressed or not', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-rtt-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const text = '0\t0.1\n0.3\t0\n'
  for (const [name, content] of [
    ['plain.txt', text],
    ['packed.txt.gz', gzipSync(text)],
  ] as const) {
    writeFileSync(join(directory, name), content)
    const matrix = readMatrix(join(directory, name), { unitMs: 1000 })
    assert.equal(matrix.size, 2)
    assert.deepEqual([matrix.rttMs(0, 1), matrix.rttMs(1, 0), matrix.rttMs(0, 0)], [100, 300, 0])
  }
})

test('a table of cities is read with its names', () => {
  const matrix = parseMatrix('city,lat,lon,Bergen,Nantes\nBergen,60,5,0,31.5\nNantes,47,-1,31,0\n')
  assert.deepEqual(matrix.sites, ['Bergen', 'Nantes'])
  assert.equal(matrix.measuredMs(0, 1), 31.5)
})

test('what was not measured is the way back, or the shortest way over a third', () => {
  const matrix = parseMatrix('0 10 0 90\n0 0 20 5\n30 0 0 0\n90 5 0 0')
  assert.equal(matrix.measuredMs(1, 0), undefined)
  assert.equal(matrix.rttMs(1, 0), 10)
  assert.equal(matrix.rttMs(0, 2), 30)
  assert.equal(matrix.rttMs(2, 3), 25)
  assert.equal(matrix.symmetric().rttMs(0, 1), 10)
})

test('a file that is no matrix is refused, with the row', () => {
  assert.throws(() => parseMatrix('0 1\n1'), /row 2 has 1 cells, not 2/)
  assert.throws(() => parseMatrix('0 1\n1 x'), /row 2 .* no number: x/)
})

test('generated round trips replay, are equal from both ends, and break the triangle here and there', () => {
  const matrix = generateMatrix({ size: 120, random: seededRandom(1) })
  const again = generateMatrix({ size: 120, random: seededRandom(1) })
  let [violations, triangles, near] = [0, 0, 0]
  for (let from = 0; from < 120; from++) {
    for (let to = 0; to < from; to++) {
      const rttMs = matrix.rttMs(from, to)
      assert.equal(rttMs, again.rttMs(from, to))
      assert.equal(rttMs, matrix.rttMs(to, from))
      assert.ok(rttMs > 0.1 && rttMs < 2000, `${rttMs}`)
      if (rttMs < 5) near++
      const over = (from + to) % 120
      if (over === from || over === to) continue
      triangles++
      if (matrix.rttMs(from, over) + matrix.rttMs(over, to) < rttMs) violations++
    }
  }
  assert.ok(near > 60, `${near} pairs are near`)
  const share = violations / triangles
  assert.ok(share > 0.02 && share < 0.2, `${share} of the triangles are broken`)
})

test('a drift changes its share of the pairs', () => {
  const matrix = generateMatrix({ size: 60, random: seededRandom(1) })
  const later = driftMatrix(matrix, { random: seededRandom(2), share: 0.2 })
  let changed = 0
  for (let from = 0; from < 60; from++)
    for (let to = 0; to < from; to++) if (later.rttMs(from, to) !== matrix.rttMs(from, to)) changed++
  const share = changed / ((60 * 59) / 2)
  assert.ok(share > 0.15 && share < 0.25, `${share}`)
})
