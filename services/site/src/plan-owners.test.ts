/** Which peer serves which host. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fraction, seededRandom } from '@atoll/kit'
import { type HostToServe, planOwners } from './plan-owners.ts'

const all = new Set(['a', 'b', 'c'])

function hosts(
  owners: readonly (string | undefined)[],
  reachableBy: ReadonlySet<string> = all,
): HostToServe[] {
  return owners.map((owner, index) => ({ name: `host-${index}`, owner, reachableBy }))
}

/** How many hosts each peer has. */
function counts(plan: ReadonlyMap<string, string>): Record<string, number> {
  const byPeer: Record<string, number> = {}
  for (const peer of plan.values()) byPeer[peer] = (byPeer[peer] ?? 0) + 1
  return byPeer
}

suite('the plan of who serves which host', () => {
  test('hosts that nobody served are spread evenly', () => {
    assert.deepEqual(counts(planOwners(hosts(Array(9).fill(undefined)), ['a', 'b', 'c'])), {
      a: 3,
      b: 3,
      c: 3,
    })
  })

  test('the hosts of a peer that died go to the others, and no other host moves', () => {
    const before = hosts(['a', 'a', 'b', 'b', 'c', 'c'])
    const plan = planOwners(before, ['a', 'b'])
    assert.deepEqual(counts(plan), { a: 3, b: 3 })
    for (const { name, owner } of before) if (owner !== 'c') assert.equal(plan.get(name), owner)
  })

  test('a peer that comes gets its part, and no more moves than that', () => {
    const before = hosts(['a', 'a', 'a', 'b', 'b', 'b'])
    const plan = planOwners(before, ['a', 'b', 'c'])
    assert.deepEqual(counts(plan), { a: 2, b: 2, c: 2 })
    assert.equal(before.filter(({ name, owner }) => plan.get(name) !== owner).length, 2)
  })

  test('a host goes to nobody who cannot reach it', () => {
    const plan = planOwners(
      [...hosts(['c'], new Set(['c'])), ...hosts([undefined], new Set(['b']))],
      ['a', 'b'],
    )
    assert.deepEqual([...plan], [['host-0', 'b']])
  })

  test('one host of two peers stays where it is', () => {
    assert.deepEqual([...planOwners(hosts(['b'], new Set(['a', 'b'])), ['a', 'b'])], [['host-0', 'b']])
  })

  test('a plan that was carried out plans nothing more, whatever it began with', () => {
    const seed = Number(process.env.SEED ?? 1)
    for (let round = seed; round < seed + 200; round++) {
      const random = seededRandom(`owners ${round}`)
      const pick = <T>(items: readonly T[]): T => items[Math.floor(fraction(random) * items.length)] as T
      const before = Array.from({ length: 1 + Math.floor(fraction(random) * 30) }, (_, index) => ({
        name: `host-${index}`,
        owner: pick(['a', 'b', 'c', 'd', undefined]),
        reachableBy: new Set(['a', 'b', 'c', 'd'].filter(() => fraction(random) < 0.7)),
      }))
      const alive = ['a', 'b', 'c', 'd'].filter(() => fraction(random) < 0.7)
      const plan = planOwners(before, alive)
      for (const { name, reachableBy } of before) {
        const isServable = alive.some((peer) => reachableBy.has(peer))
        assert.equal(plan.has(name), isServable, `SEED=${round}`)
        if (isServable) assert.ok(reachableBy.has(plan.get(name) ?? ''), `SEED=${round}`)
      }
      const after = before.map((host) => ({ ...host, owner: plan.get(host.name) ?? host.owner }))
      assert.deepEqual(
        Object.fromEntries(planOwners(after, alive)),
        Object.fromEntries(plan),
        `SEED=${round}`,
      )
    }
  })
})
