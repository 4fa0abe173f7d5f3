import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { seedsToRun } from '../conformance/seeds.ts'
import { IntervalSet } from './interval-set.ts'

const [SEED = ''] = seedsToRun(1)
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

test('intervals that touch melt into one', () => {
  const set = new IntervalSet()
  set.add('a', 'c')
  set.add('e', 'g')
  set.add('c', 'e')
  assert.deepEqual([...set], [{ from: 'a', to: 'g' }])
  set.add('x', 'x')
  assert.equal(set.size, 1)
})

test('an interval set holds what was added and not cut, whatever the order', () => {
  const random = seededRandom(SEED)
  for (let round = 0; round < 300; round++) {
    const set = new IntervalSet()
    const members = new Set<string>()
    for (let step = 0; step < 8; step++) {
      const [from, to] = [random.below(26), random.below(27)]
      const isCut = random.below(3) === 0
      if (isCut) set.cut(LETTERS[from] ?? '', LETTERS[to] ?? '{')
      else set.add(LETTERS[from] ?? '', LETTERS[to] ?? '{')
      for (const letter of LETTERS.slice(from, Math.max(from, to)))
        if (isCut) members.delete(letter)
        else members.add(letter)
    }
    for (const letter of LETTERS) assert.equal(set.contains(letter), members.has(letter), `SEED=${SEED}`)
    const gaps = [...set].map(({ from, to }) => from < to && !set.contains(to))
    assert.ok(gaps.every(Boolean), `SEED=${SEED}`)
    for (let from = 0; from < 26; from++)
      for (let to = from + 1; to <= 26; to++) {
        const isCovered = Array.from(LETTERS.slice(from, to)).every((letter) => members.has(letter))
        assert.equal(set.covers(LETTERS[from] ?? '', LETTERS[to] ?? '{'), isCovered, `SEED=${SEED}`)
      }
  }
})
