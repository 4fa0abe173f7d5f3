import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { chooseHost } from './choose-host.ts'
import type { PlacementRequest } from './filters.ts'
import { freeOf, type HostSnapshot, hasRoom } from './host-snapshot.ts'
import { weigh } from './weighers.ts'

const needs = { vcpus: 2, ramMib: 1024, diskGib: 10 }

function host(name: string, changes: Partial<HostSnapshot> = {}): HostSnapshot {
  return {
    id: name,
    name,
    availabilityZone: 'east',
    isEnabled: true,
    total: { vcpus: 8, ramMib: 16_384, diskGib: 100 },
    used: { vcpus: 0, ramMib: 0, diskGib: 0 },
    serversCount: 0,
    cpuAllocationRatio: 4,
    ...changes,
  }
}

const choose = (hosts: readonly HostSnapshot[], request: Partial<PlacementRequest> = {}, seed = 1) =>
  chooseHost(hosts, { needs, ...request }, seededRandom(seed))?.name

const refused: readonly [why: string, changes: Partial<HostSnapshot>, request?: Partial<PlacementRequest>][] =
  [
    ['disabled', { isEnabled: false }],
    ['of another zone', {}, { availabilityZone: 'west' }],
    ['not the one asked for', {}, { hostName: 'b' }],
    ['known to be full', {}, { excluded: new Set(['a']) }],
    ['without RAM', { used: { vcpus: 0, ramMib: 15_361, diskGib: 0 } }],
    ['without disk', { used: { vcpus: 0, ramMib: 0, diskGib: 91 } }],
    ['without CPUs, over-commitment included', { used: { vcpus: 31, ramMib: 0, diskGib: 0 } }],
    ['smaller than the server', { total: { vcpus: 1, ramMib: 16_384, diskGib: 100 } }],
  ]
for (const [why, changes, request] of refused) {
  test(`a host that is ${why} is not chosen`, () => {
    assert.equal(choose([host('a', changes)], request), undefined)
  })
}

test('a host that exactly fits is chosen', () => {
  assert.equal(choose([host('a', { used: { vcpus: 30, ramMib: 15_360, diskGib: 90 } })]), 'a')
})

test('a forced host may be disabled and of another zone, but never full', () => {
  const forced = { hostName: 'a', isForced: true, availabilityZone: 'west' }
  assert.equal(choose([host('a', { isEnabled: false }), host('b')], forced), 'a')
  assert.equal(choose([host('a', { used: { vcpus: 0, ramMib: 16_000, diskGib: 0 } })], forced), undefined)
})

test('more free RAM, more free CPUs and fewer servers each weigh more', () => {
  const used = { vcpus: 4, ramMib: 4096, diskGib: 0 }
  const base = weigh(host('a', { used, serversCount: 2 }), needs)
  assert.ok(weigh(host('a', { used: { ...used, ramMib: 2048 }, serversCount: 2 }), needs) > base)
  assert.ok(weigh(host('a', { used: { ...used, vcpus: 2 }, serversCount: 2 }), needs) > base)
  assert.ok(weigh(host('a', { used, serversCount: 1 }), needs) > base)
})

test('one seed replays one series of choices', () => {
  const hosts = Array.from({ length: 50 }, (_, index) => host(`h${index}`))
  const series = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 20 }, () => chooseHost(hosts, { needs }, random)?.name)
  }
  assert.deepEqual(series(7), series(7))
  assert.notDeepEqual(series(7), series(8))
})

test('choices fill hosts evenly, and stop when all are full', () => {
  const random = seededRandom(3)
  let hosts = Array.from({ length: 10 }, (_, index) => host(`h${index}`))
  const place = () => {
    const chosen = chooseHost(hosts, { needs }, random)
    if (!chosen) return false
    const used = {
      vcpus: chosen.used.vcpus + needs.vcpus,
      ramMib: chosen.used.ramMib + needs.ramMib,
      diskGib: chosen.used.diskGib + needs.diskGib,
    }
    const grown = { ...chosen, used, serversCount: chosen.serversCount + 1 }
    assert.ok(Object.values(freeOf(grown)).every((free) => free >= 0))
    hosts = hosts.map((other) => (other.id === grown.id ? grown : other))
    return true
  }
  for (let placed = 0; placed < 50; placed++) assert.ok(place())
  const counts = hosts.map(({ serversCount }) => serversCount)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 3, `uneven: ${counts.join(' ')}`)
  let more = 0
  while (place()) more++
  assert.equal(more, 50)
  assert.ok(hosts.every((full) => !hasRoom(full, needs)))
})
