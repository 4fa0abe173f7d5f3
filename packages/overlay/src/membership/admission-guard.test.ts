import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { MemberTable } from '../faults/member-table.ts'
import { VirtualClock } from '../testing.ts'
import { AdmissionGuard } from './admission-guard.ts'
import type { Descriptor } from './descriptor.ts'

const SITES = 500
const CYCLES = 300
const PER_CYCLE = 16

function descriptorOf(index: number): Descriptor {
  const site = `site-${index}`
  const signed = { text: '', signature: site, credential: '' }
  return { contact: { site, addresses: [] }, incarnation: 1, state: 'alive', signed }
}

function guardOf(sites: number) {
  const random = seededRandom(7)
  const table = new MemberTable({ site: 'self', clock: new VirtualClock() })
  const descriptors = Array.from({ length: sites }, (_, index) => descriptorOf(index))
  for (const descriptor of descriptors) table.learn(descriptor)
  const guard = new AdmissionGuard({ random, table, cacheSize: 20, shuffleLength: 8 })
  return { guard, random, descriptors }
}

/** How many of all that is offered over many cycles is admitted; `choose` says what comes by. */
function admitted(guard: AdmissionGuard, choose: () => Descriptor | undefined): number {
  let count = 0
  for (let cycle = 1; cycle <= CYCLES; cycle++)
    for (let offer = 0; offer < PER_CYCLE; offer++) {
      const descriptor = choose()
      if (descriptor && guard.admits(descriptor, cycle)) count++
    }
  return count
}

test('a band that hands over only each other gains at most twice its fair share', (context) => {
  context.diagnostic('SEED=7')
  const { guard, random, descriptors } = guardOf(SITES)
  const band = descriptors.slice(0, SITES / 10)
  const count = admitted(guard, () => band[random.below(band.length)])
  const fair = (CYCLES * PER_CYCLE) / 10
  // What a bucket holds at the start comes on top.
  assert.ok(count <= 2 * fair + 1.25 * band.length, `${count} of fair ${fair}`)
})

test('what a band has saved up gains it little at the start', () => {
  const { guard, random, descriptors } = guardOf(SITES)
  const band = descriptors.slice(0, SITES / 10)
  for (const descriptor of descriptors) guard.admits(descriptor, 0)
  let count = 0
  for (let cycle = 100; cycle < 106; cycle++)
    for (let offer = 0; offer < PER_CYCLE; offer++)
      if (guard.admits(band[random.below(band.length)] ?? descriptorOf(0), cycle)) count++
  // In six cycles a fair share is 10, and the buckets gain 19 of which most need a whole token first.
  assert.ok(count <= 60, `${count}`)
})

test('honest exchanges lose a quarter, for which sites by chance come', () => {
  const { guard, random, descriptors } = guardOf(SITES)
  const count = admitted(guard, () => descriptors[random.below(SITES)])
  assert.ok(count > 0.7 * CYCLES * PER_CYCLE, `${count}`)
})

test('in a small cloud everything is admitted', () => {
  const { guard, descriptors } = guardOf(30)
  assert.equal(
    admitted(guard, () => descriptors[0]),
    CYCLES * PER_CYCLE,
  )
})

test('a site of all that are known, by chance, takes the place of one that is not admitted', () => {
  const { guard } = guardOf(100)
  const sites = new Set(Array.from({ length: 400 }, () => guard.replacement()?.contact.site))
  assert.ok(sites.size > 90, `${sites.size}`)
})
