import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import type { Descriptor } from './descriptor.ts'
import { View } from './view.ts'

function descriptorOf(site: string, incarnation = 1): Descriptor {
  const signed = { text: '', signature: `${site} ${incarnation}`, credential: '' }
  return { contact: { site, addresses: [] }, incarnation, state: 'alive', signed }
}

function viewOf(...sites: readonly string[]): View {
  const view = new View(8)
  for (const [age, site] of sites.entries()) view.add({ descriptor: descriptorOf(site), age })
  return view
}

const sitesOf = (view: View) => view.entries.map(({ descriptor }) => descriptor.contact.site).sort()

test('a sample has different entries, as many as there are, and none of those left out', () => {
  const view = viewOf('a', 'b', 'c', 'd')
  const random = seededRandom(1)
  const without = view.entries.filter(({ descriptor }) => descriptor.contact.site === 'b')
  for (let times = 0; times < 50; times++) {
    assert.equal(new Set(view.sample(3, random)).size, 3)
    const rest = view
      .sample(9, random, (entry) => without.includes(entry))
      .map(({ descriptor }) => descriptor.contact.site)
    assert.deepEqual(rest.sort(), ['a', 'c', 'd'])
  }
  assert.deepEqual(sitesOf(view), ['a', 'b', 'c', 'd'])
})

test('the oldest has the highest age, and all grow by one a cycle', () => {
  const view = viewOf('a', 'b', 'c')
  view.grow()
  assert.equal(view.oldest()?.descriptor.contact.site, 'c')
  assert.equal(view.oldest()?.age, 3)
})

test('a newer descriptor takes the place of an older one and keeps its age', () => {
  const view = viewOf('a', 'b')
  view.renew(descriptorOf('b', 5))
  view.renew(descriptorOf('b', 4))
  const [entry] = view.entries.filter(({ descriptor }) => descriptor.contact.site === 'b')
  assert.equal(entry?.descriptor.incarnation, 5)
  assert.equal(entry?.age, 1)
})

test('what is removed is gone, and the rest stays', () => {
  const view = viewOf('a', 'b', 'c')
  assert.equal(view.remove('a'), true)
  assert.equal(view.remove('a'), false)
  assert.deepEqual(sitesOf(view), ['b', 'c'])
})
