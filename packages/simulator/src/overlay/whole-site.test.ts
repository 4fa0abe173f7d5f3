import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { siteKey } from '@atoll/overlay'
import { generateMatrix } from '../rtt/generate-matrix.ts'
import { seedsToRun } from '../seeds.ts'
import { OverlayRun } from './overlay-run.ts'

const [seed = 1] = seedsToRun({ from: 1, count: 1 })
const SITES = 30

function wholeSites(): OverlayRun {
  const rtt = generateMatrix({ size: SITES, random: seededRandom(`${seed}/matrix`) })
  const run = new OverlayRun({ seed, sites: SITES, rtt, site: { space: {} } })
  for (let index = 0; index < SITES; index++) {
    run.start(index, index === 0 ? undefined : 0)
    run.pass(500)
  }
  return run
}

test('sites that run all of the overlay know who is next, who is near, and how far everybody is', (context) => {
  context.diagnostic(`SEED=${seed}`)
  const run = wholeSites()
  run.pass(180_000)
  const keyAt = (index: number) => siteKey(run.nameOf(index))
  const ring = run.up().sort((left, right) => (keyAt(left) < keyAt(right) ? -1 : 1))
  const errors: number[] = []
  for (const [place, index] of ring.entries()) {
    const space = run.site(index)?.space
    assert.ok(space)
    assert.equal(space.ring.successors[0]?.site, run.nameOf(ring[(place + 1) % SITES] ?? -1))
    const truth = (other: number) => run.network.rtt.rttMs(index, other)
    const byDistance = run.up().filter((other) => other !== index)
    byDistance.sort((left, right) => truth(left) - truth(right))
    const found = space.spiral.nearest(3).map(({ site }) => truth(run.indexOf(site)))
    assert.ok((found[2] ?? Number.NaN) <= 1.3 * truth(byDistance[2] ?? -1) + 2, run.nameOf(index))
    for (const other of byDistance)
      errors.push(
        Math.abs((space.positions.distanceMs(run.nameOf(other)) ?? 0) - truth(other)) / truth(other),
      )
  }
  errors.sort((left, right) => left - right)
  assert.ok((errors[errors.length >> 1] ?? 1) < 0.25, `the median error is ${errors[errors.length >> 1]}`)
})

test('a site that dies is no neighbour on the ring any more, and nobody finds it near', () => {
  const run = wholeSites()
  run.pass(60_000)
  run.crash(7)
  run.pass(20_000)
  for (const index of run.up()) {
    const space = run.site(index)?.space
    assert.ok(!space?.spiral.outward().some(({ site }) => site === run.nameOf(7)))
    assert.ok(!space?.ring.successors.some(({ site }) => site === run.nameOf(7)))
  }
})

test('a site that was shut out is forgotten, and stays so while others still speak of it', () => {
  const run = wholeSites()
  run.pass(10_000)
  run.site(3)?.shutOut(run.nameOf(9))
  run.pass(60_000)
  const [here, there] = [run.site(3), run.site(4)]
  assert.equal(here?.table.find(run.nameOf(9)), undefined)
  assert.equal(here?.table.here, SITES - 2)
  assert.equal(there?.table.find(run.nameOf(9))?.state, 'alive')
  assert.ok(!here?.cyclon.view.entries.some(({ descriptor }) => descriptor.contact.site === run.nameOf(9)))
})
