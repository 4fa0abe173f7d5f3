import assert from 'node:assert/strict'
import test from 'node:test'
import { seedsToRun } from '../seeds.ts'
import { CyclonRun } from './cyclon-run.ts'

const [seed = 1] = seedsToRun({ from: 1, count: 1 })

test('from a ring a graph by chance grows in which all sites are linked to about equally often', (context) => {
  context.diagnostic(`SEED=${seed}`)
  const run = new CyclonRun({ seed, sites: 1000 })
  run.pass(60)
  const { inDegreeDeviation, inDegreeMean, clustering, pathMean, largestPart } = run.measure()
  assert.ok(inDegreeMean > 19.9 && inDegreeDeviation < 2.6, `${inDegreeDeviation}`)
  // Of a graph by chance, 40 neighbours of 1000: 0.04, and ln(1000) / ln(40) = 1.9 hops.
  assert.ok(clustering < 0.045 && pathMean < 2.2, `${clustering} ${pathMean}`)
  assert.equal(largestPart, 1000)
})

test('after half of all sites have crashed the rest is connected, and the dead are forgotten within 15 periods', () => {
  const run = new CyclonRun({ seed, sites: 500 })
  run.pass(40)
  run.crash(0.5)
  run.pass(15)
  assert.equal(run.measure().largestPart, 250)
  assert.equal(run.deadLinks(), 0)
})

test('as published, with one partner a period, dead links stay for some times as many periods as a view has places', () => {
  const run = new CyclonRun({ seed, sites: 500, settings: { partnersMax: 1 } })
  run.pass(40)
  run.crash(0.5)
  run.pass(10)
  assert.ok(run.deadLinks() > 500)
  run.pass(60)
  assert.equal(run.deadLinks(), 0)
})
