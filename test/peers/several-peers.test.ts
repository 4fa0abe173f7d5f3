/** A site of several peers: any of them serves any request, and what one did is not lost with it. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { seededRandom, sleep, systemClock } from '@atoll/kit'
import { MockNetwork } from '@atoll/overlay'
import { MemoryDatabase, memoryStore, openRome } from '@atoll/rome'
import { fastClock, type RunningPeer, SharedSite } from './shared-site.ts'

const HOSTS = 6
const SERVERS_PER_HOST = 10
const RAM_MIB = 64
const resources = { vcpus: 16, ramMib: SERVERS_PER_HOST * RAM_MIB, diskBytes: 2 ** 40 }

function openNetwork() {
  const clock = fastClock(10)
  return { clock, network: new MockNetwork({ clock, random: seededRandom('network'), link: { delayMs: 5 } }) }
}

function openSite(
  t: TestContext,
  { name = 'here', code = 1, ...more } = {},
  shared = openNetwork(),
): SharedSite {
  const random = seededRandom(`store of ${name}`)
  const database = new MemoryDatabase()
  const openStore = () => openRome({ store: memoryStore({ database }), clock: shared.clock, random })
  // What ends first was registered last.
  const cleanUps: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  })
  return new SharedSite({
    ...shared,
    name,
    code,
    openStore,
    hosts: HOSTS,
    resources,
    after: (cleanUp) => cleanUps.push(cleanUp),
    ...more,
  })
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await condition()) return
    await sleep(systemClock, 25)
  }
  throw new Error(`waited in vain until ${what}`)
}

async function done(answer: ReturnType<RunningPeer['call']>, status: number) {
  const reply = await answer
  assert.equal(reply?.status, status, JSON.stringify(reply?.body))
  return reply
}

/** What servers need; answers how to ask a peer for one. */
async function prepare({ call }: RunningPeer, quota: number) {
  const { body: session } = await done(call('GET', '/identity/v3/auth/projects'), 200)
  const project = session.projects[0].id
  const limits = { quota_set: { instances: quota, cores: -1, ram: -1 } }
  await done(call('PUT', `/compute/v2.1/os-quota-sets/${project}`, limits), 200)
  const image = await uploadImage(call, Buffer.alloc(1 << 16, 'atoll'))
  const size = { name: 'tiny', vcpus: 1, ram: RAM_MIB, disk: 1 }
  const { body: flavor } = await done(call('POST', '/compute/v2.1/flavors', { flavor: size }), 200)
  const { body: network } = await done(
    call('POST', '/network/v2.0/networks', { network: { name: 'wide' } }),
    201,
  )
  const subnet = { network_id: network.network.id, ip_version: 4, cidr: '10.80.0.0/20' }
  await done(call('POST', '/network/v2.0/subnets', { subnet }), 201)
  const server = {
    name: 'many',
    imageRef: image,
    flavorRef: flavor.flavor.id,
    networks: [{ uuid: network.network.id }],
  }
  return (peer: RunningPeer) => peer.call('POST', '/compute/v2.1/servers', { server })
}

async function uploadImage(call: RunningPeer['call'], bytes: Buffer): Promise<string> {
  const description = { name: 'any', disk_format: 'raw', container_format: 'bare' }
  const { body: image } = await done(call('POST', '/image/v2/images', description), 201)
  await done(call('PUT', `/image/v2/images/${image.id}/file`, bytes), 204)
  return image.id
}

const liveHosts = async ({ call }: RunningPeer) => {
  const { body } = await done(call('GET', '/compute/v2.1/os-hypervisors/detail'), 200)
  return body.hypervisors as { hypervisor_hostname: string; memory_mb: number; memory_mb_used: number }[]
}

test('one of three peers dies under a load of creates: nothing acknowledged is lost, and its hosts move', async (t) => {
  const site = openSite(t)
  const [a, b, c] = [await site.start('a'), await site.start('b'), await site.start('c')]
  await until('every host has registered', async () => (await liveHosts(a)).length === HOSTS)
  const quota = 50
  const create = await prepare(a, quota)
  const acknowledged: string[] = []
  const refusals: number[] = []
  let asked = 0
  const work = async (peer: RunningPeer) => {
    while (asked < quota + 10) {
      asked++
      const reply = await create(peer)
      if (!reply) return
      if (reply.status === 202) acknowledged.push(reply.body.server.id)
      else refusals.push(reply.status)
      if (acknowledged.length >= 15) b.kill()
    }
  }
  await Promise.all([a, b, c, a, b, c].map(work))
  assert.ok(acknowledged.length > 15)
  assert.deepEqual(new Set(refusals), new Set([403]), 'only the quota refuses')

  for (const peer of [a, c]) {
    await until('every acknowledged server is ACTIVE', async () => {
      const { body } = await done(peer.call('GET', '/compute/v2.1/servers/detail?limit=1000'), 200)
      const servers = new Map(
        body.servers.map((server: { id: string; status: string }) => [server.id, server.status]),
      )
      for (const id of acknowledged) assert.ok(servers.has(id), `${id} is listed at ${peer.name}`)
      return [...servers.values()].every((status) => status === 'ACTIVE')
    })
  }
  // The one that was killed may have written a server that nobody was told of: the quota counts those, too.
  const { body } = await done(a.call('GET', '/compute/v2.1/servers?limit=1000'), 200)
  assert.equal(body.servers.length, quota)
  const guests = site.machines.map((machine) => machine.guests().length)
  assert.equal(
    guests.reduce((sum, count) => sum + count),
    quota,
    'each server has one guest on one host',
  )
  const hosts = await liveHosts(c)
  for (const { memory_mb, memory_mb_used } of hosts) assert.ok(memory_mb_used <= memory_mb)
  assert.equal(
    hosts.reduce((sum, { memory_mb_used }) => sum + memory_mb_used, 0),
    quota * RAM_MIB,
  )

  await Promise.all(
    body.servers.map(({ id }: { id: string }) => done(c.call('DELETE', `/compute/v2.1/servers/${id}`), 204)),
  )
  await until('all are deleted, on hosts of every peer', async () =>
    site.machines.every((machine) => machine.guests().length === 0),
  )
  await until('all is given back', async () =>
    (await liveHosts(a)).every(({ memory_mb_used }) => memory_mb_used === 0),
  )
})

test('any peer has the bytes of an image, also after the one that took them is gone', async (t) => {
  const site = openSite(t)
  const [a, b] = [await site.start('a'), await site.start('b')]
  await until('they know each other', async () => (await a.peer.status()).peers.length === 2)
  const bytes = Buffer.from(seededRandom('image').bytes(300_000))
  const image = await uploadImage(a.call, bytes)
  a.kill()
  const { bytes: read } = await done(b.call('GET', `/image/v2/images/${image}/file`), 200)
  assert.ok(read.equals(bytes))
  const c = await site.start('c')
  await until(
    'the dead one is noticed',
    async () => (await b.peer.status()).peers.filter(({ isAlive }) => isAlive).length === 2,
  )
  await until('the third one has a copy', async () => (await c.images.stats()).bytes === bytes.length)
  b.kill()
  assert.ok((await done(c.call('GET', `/image/v2/images/${image}/file`), 200)).bytes.equals(bytes))
})

test('a console is shown by any peer, whichever serves the host', async (t) => {
  const site = openSite(t)
  const [a, b] = [await site.start('a'), await site.start('b')]
  await until('every host has registered', async () => (await liveHosts(a)).length === HOSTS)
  const create = await prepare(a, 20)
  const ids: string[] = []
  for (let count = 0; count < HOSTS; count++) ids.push((await done(create(a), 202)).body.server.id)
  for (const id of ids)
    for (const { call } of [a, b])
      await until('the console shows the login prompt', async () => {
        const reply = await call('POST', `/compute/v2.1/servers/${id}/action`, { 'os-getConsoleOutput': {} })
        return reply?.status === 200 && String(reply.body.output).includes('login:')
      })
})

test('the datagrams of other sites reach the steward by any peer, and the next steward speaks for the site', async (t) => {
  // The overlay knows how long healthy processes stand still: a clock that is faster would have them all look dead.
  const clock = fastClock(1)
  const network = new MockNetwork({ clock, random: seededRandom('network'), link: { delayMs: 5 } })
  const here = openSite(t, {}, { clock, network })
  const there = openSite(t, { name: 'there', code: 2, founder: 'here' } as object, { clock, network })
  // Of two peers the first answers other sites, and the steward is the first by name.
  const [b, a] = [await here.start('b'), await here.start('a')]
  await until('a is the steward', () => a.peer.federation.overlay.isRunning)
  await until('b is not', () => !b.peer.federation.overlay.isRunning)
  const other = (await there.start('c')).peer.federation.overlay
  await until('they know each other', () => a.peer.federation.overlay.find('there')?.state === 'alive')
  await until('the way was measured', () =>
    other.outward().some(({ site, isMeasured }) => site === 'here' && isMeasured),
  )
  assert.equal(other.find('here')?.state, 'alive')
  a.kill()
  await until('b speaks for the site', () => b.peer.federation.overlay.isRunning)
  await until('it is alive', () => other.find('here')?.state === 'alive')
  await until('b knows the other site', () => b.peer.federation.overlay.find('there')?.state === 'alive')
})
