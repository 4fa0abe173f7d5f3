import assert from 'node:assert/strict'
import test from 'node:test'
import { outward, roundTripsBy } from './outward.ts'

const place = (site: string, roundTripMs: number | undefined, freeRamMib: number) => ({
  site,
  roundTripMs,
  freeRamMib,
})

test('a near site with room comes before a far one with more', () => {
  const places = [place('far', 150, 900_000), place('near', 12, 2000), place('next-door', 1, 1000)]
  assert.deepEqual(outward(places), ['next-door', 'near', 'far'])
})

test('of sites that are about equally near the one with the most room comes first', () => {
  assert.deepEqual(outward([place('a', 21, 1000), place('b', 38, 9000)]), ['b', 'a'])
})

test('sites of which nothing is known come last, by room and then by name', () => {
  const places = [
    place('b', undefined, 5),
    place('c', undefined, 9),
    place('a', undefined, 5),
    place('far', 400, 1),
  ]
  assert.deepEqual(outward(places), ['far', 'c', 'a', 'b'])
})

test('the overlay measures first, then connections do, then positions predict', () => {
  const near = [
    { site: 'measured', rttMs: 10, isMeasured: true },
    { site: 'connected', rttMs: 70, isMeasured: false },
    { site: 'predicted', rttMs: 30, isMeasured: false },
  ]
  const connections = new Map([
    ['measured', 15],
    ['connected', 60],
  ])
  const roundTripMs = roundTripsBy(near, { roundTripMs: (site) => connections.get(site) })
  const sites = ['measured', 'connected', 'predicted', 'unknown']
  assert.deepEqual(sites.map(roundTripMs), [10, 60, 30, undefined])
})
