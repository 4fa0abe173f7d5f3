import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { fitPosition } from './fit-position.ts'
import { distanceMs, origin, type Position, readPosition, writePosition } from './position.ts'
import { Positions } from './positions.ts'
import { Samples } from './samples.ts'
import { defaultPositionSettings as settings } from './settings.ts'

const random = seededRandom(1)
const at = (x: number, heightMs = 1): Position => ({ vector: [x, 0, 0, 0, 0, 0, 0, 0], heightMs, error: 0.1 })
const sample = (site: string, x: number, rttMs: number) => ({ site, position: at(x), rttMs })

test('a round trip is the way through the core and both heights', () => {
  assert.equal(distanceMs(at(0, 2), at(30, 5)), 37)
})

test('a position goes to others in some hundred bytes and comes back', () => {
  const position = { vector: [1.234567, -200, 0, 1, 2, 3, 4, 5], heightMs: 0.987, error: 0.123 }
  const sent = JSON.stringify(writePosition(position))
  assert.ok(sent.length < 120)
  assert.deepEqual(readPosition(JSON.parse(sent)), {
    vector: [1.23, -200, 0, 1, 2, 3, 4, 5],
    heightMs: 0.99,
    error: 0.12,
  })
})

test('a position that cannot be is refused', () => {
  const { vector } = origin
  for (const value of [
    undefined,
    null,
    'far',
    { vector: [1, 2], heightMs: 1, error: 1 },
    { vector: [...vector.slice(1), Number.NaN], heightMs: 1, error: 1 },
    { vector: [...vector.slice(1), '5'], heightMs: 1, error: 1 },
    { vector: [...vector.slice(1), 1e9], heightMs: 1, error: 1 },
    { vector, heightMs: -1, error: 1 },
    { vector, heightMs: 1, error: 2 },
    { vector, heightMs: 1 },
  ])
    assert.equal(readPosition(value), undefined)
})

test('a step goes towards a site that is nearer than predicted, and away from one that is further', () => {
  const own = at(0)
  const near = fitPosition({ own, samples: [sample('a', 100, 50)], random, settings })
  const far = fitPosition({ own, samples: [sample('a', 100, 200)], random, settings })
  assert.ok((near.vector[0] ?? 0) > 0 && (far.vector[0] ?? 0) < 0)
  assert.deepEqual(own, at(0))
})

test('where all is as predicted nothing moves, and the site grows sure', () => {
  const own = { ...at(0), error: 1 }
  const { vector, heightMs, error } = fitPosition({
    own,
    samples: [sample('a', 100, 102), sample('b', -10, 12)],
    random,
    settings,
  })
  assert.deepEqual(vector, own.vector)
  assert.equal(heightMs, 1)
  assert.ok(error < 1)
})

test('two sites at one place part in some direction', () => {
  const { vector } = fitPosition({ own: at(0), samples: [sample('a', 0, 80)], random, settings })
  assert.ok(Math.hypot(...vector) > 1)
})

test('a height is no more than half of the shortest round trip', () => {
  const { heightMs } = fitPosition({ own: at(0), samples: [sample('a', 0, 8)], random, settings })
  assert.ok(heightMs <= 4)
})

test('one measurement out of line pulls at nothing once there are enough others', () => {
  const others = Array.from({ length: 20 }, (_, index) => sample(`s${index}`, index + 10, index + 12.1))
  const without = fitPosition({ own: at(0), samples: others, random, settings })
  const withLie = fitPosition({ own: at(0), samples: [...others, sample('liar', 900, 20)], random, settings })
  assert.deepEqual(withLie.vector, without.vector)
})

test('of each site the last measurement counts; the oldest go first, the nearest stay', () => {
  const samples = new Samples({ samples: 32, samplesGrowth: 1, nearestKept: 1 })
  samples.add(sample('near', 1, 2))
  for (let index = 0; index < 100; index++) samples.add(sample(`s${index % 40}`, 50, 50 + index))
  const kept = [...samples.all()].map(({ site }) => site)
  assert.equal(kept.length, 32)
  assert.equal(new Set(kept).size, 32)
  assert.ok(kept.includes('near') && kept.includes('s19') && !kept.includes('s20'))
})

test('a queue on the way does not count: the least of the last four round trips does', () => {
  const positions = new Positions({ site: 'here', random })
  const seen: number[] = []
  positions.onMeasurement((_, rttMs) => seen.push(rttMs))
  for (const rttMs of [50, 400, 60, 70, 80, 90]) positions.measured('there', undefined, rttMs)
  assert.deepEqual(seen, [50, 50, 50, 50, 60, 60])
})

test('a site whose way in is longer than the whole way to it is not believed', () => {
  const positions = new Positions({ site: 'here', random })
  positions.measured('there', at(10, 40), 30)
  assert.equal(positions.refused, 1)
  assert.equal(positions.of('there'), undefined)
})

test('two near each other, each high above all others, come down and agree', () => {
  const [left, right] = ['left', 'right'].map((site, index) => {
    const own = { ...at(index, 20), error: 0.01 }
    return new Positions({ site, random: seededRandom(site), own })
  })
  assert.ok(left && right)
  for (let count = 0; count < 100; count++) {
    left.measured('right', right.load(), 10)
    right.measured('left', left.load(), 10)
  }
  assert.ok(Math.abs(distanceMs(left.own, right.own) - 10) < 1, `${distanceMs(left.own, right.own)} ms`)
})

test('what others say of a third site never replaces what it said itself, and moves nothing', () => {
  const positions = new Positions({ site: 'here', random })
  positions.heard('there', at(500))
  assert.deepEqual(positions.of('there'), at(500))
  assert.deepEqual(positions.own, origin)
  positions.measured('there', at(20), 30)
  positions.heard('there', at(500))
  assert.deepEqual(positions.of('there'), at(20))
})

test('a site that left is forgotten, and no more sites are kept than the limit', () => {
  const positions = new Positions({ site: 'here', random, settings: { sitesMax: 10 } })
  for (let index = 0; index < 30; index++) positions.measured(`s${index}`, at(index), index + 3)
  assert.equal([...positions.known()].length, 10)
  positions.delete('s29')
  assert.equal(positions.of('s29'), undefined)
  assert.equal(positions.distanceMs('s28', 's29'), undefined)
})
