/** Peers of one site over one store: who lives, who serves which host, and what a slow one can still do. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { type Clock, type Service, seededRandom, silentLogger } from '@atoll/kit'
import { openSqlite } from '@atoll/rome'
import { State, shareTestStore } from '@atoll/state'
import { HostTaken, PeerNameTaken } from './errors.ts'
import { HostOwnership } from './host-ownership.ts'
import { BEAT_MS, Membership, SILENT_MS } from './membership.ts'
import { siteTables } from './tables.ts'

/** A clock that stands still until it is told to go on. Its timers never fire: the test makes each pass itself. */
function stillClock() {
  let nowMs = 0
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => {} }
  return { clock, pass: (ms: number) => (nowMs += ms) }
}

function openSite(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-site-'))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  t.after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const { clock, pass } = stillClock()
  const view = shareTestStore(store)
  /** Which process has the kernel's lock of which host. */
  const locks = new Map<string, string>()
  const open = async (name: string, hosts: readonly string[] = ['h1', 'h2', 'h3', 'h4']) => {
    const random = seededRandom(`${name} ${pass(0)}`)
    const state = await State.open({
      store: view(),
      site: { name: 'here', code: 1 },
      clock,
      random,
      records: [],
      locals: siteTables,
    })
    const self = { name, addresses: [{ host: name, port: 1 }], apiUrl: `http://${name}`, hosts }
    const membership = new Membership({ state, clock, random, log: silentLogger, self })
    await membership.open()
    const reachable = hosts.map((host) => ({
      name: host,
      acquire: async () => (locks.get(host) ?? name) === name && Boolean(locks.set(host, name)),
      release: async () => void locks.delete(host),
    }))
    const ownership = new HostOwnership({ state, membership, hosts: reachable, clock, log: silentLogger })
    const own = () => hosts.filter((host) => ownership.isOwn(host))
    const beat = () => onePass(membership.service())
    const look = () => onePass(ownership.service())
    const confirm = (host: string) => state.transaction((transaction) => ownership.confirm(transaction, host))
    return { name, state, membership, ownership, own, beat, look, confirm }
  }
  return { open, pass, locks }
}

/** Reconcilers make a pass, then wait for a clock that stands still. */
async function onePass(service: Service): Promise<void> {
  const abort = new AbortController()
  const running = service.run(abort.signal)
  abort.abort()
  await running
}

suite('the peers of a site', () => {
  test('know each other, and who is silent for longer than some beats', async (t) => {
    const { open, pass } = openSite(t)
    const [a, b] = [await open('a'), await open('b')]
    await a.beat()
    assert.deepEqual(
      a.membership.alive.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(a.membership.all[1]?.addresses, [{ host: 'b', port: 1 }])
    pass(SILENT_MS)
    await a.beat()
    assert.ok(a.membership.isAlive('b'), 'on the edge')
    pass(1)
    await a.beat()
    assert.ok(!a.membership.isAlive('b'))
    await b.beat()
    assert.deepEqual([a.membership.isSteward, b.membership.isSteward], [true, false])
    await a.beat()
    assert.ok(a.membership.isAlive('b'), 'it was only slow')
  })

  test('wait longer for one that was slow all the time, as beats are where the store is, and not for ever', async (t) => {
    const { open, pass } = openSite(t)
    const [a, b] = [await open('a'), await open('b')]
    await a.beat()
    for (let beats = 0; beats < 3; beats++) {
      pass(9000)
      await b.beat()
      await a.beat()
    }
    for (const [ms, isAlive] of [
      [2 * SILENT_MS, true],
      [2 * SILENT_MS, false],
    ] as const) {
      pass(ms)
      await a.beat()
      assert.equal(a.membership.isAlive('b'), isAlive)
    }
    for (let beats = 0; beats < 30; beats++) {
      await b.beat()
      pass(BEAT_MS)
      await a.beat()
    }
    pass(SILENT_MS + 1)
    await a.beat()
    assert.ok(!a.membership.isAlive('b'), 'it was quick lately')
  })

  test('do not wait for one that said goodbye', async (t) => {
    const { open } = openSite(t)
    const [a, b] = [await open('a'), await open('b')]
    await a.beat()
    await b.membership.leave()
    await a.beat()
    assert.deepEqual(
      a.membership.all.map(({ name }) => name),
      ['a'],
    )
  })

  test('a live peer has its name to itself', async (t) => {
    const { open, pass } = openSite(t)
    const first = await open('a')
    pass(1)
    const second = await open('a')
    await second.beat()
    await first.beat()
    assert.ok(first.membership.isSuperseded)
    await first.look()
    assert.deepEqual(first.own(), [])
    assert.equal(PeerNameTaken({ name: 'a' }).status, 409)
  })
})

suite('the hosts of a site', () => {
  test('are spread over its peers, when they come and when they go', async (t) => {
    const { open, pass, locks } = openSite(t)
    const a = await open('a')
    await a.look()
    assert.deepEqual(a.own(), ['h1', 'h2', 'h3', 'h4'])
    const b = await open('b')
    await a.beat()
    await a.look()
    await b.look()
    assert.deepEqual([a.own().length, b.own().length], [2, 2])
    assert.deepEqual(new Set([...a.own(), ...b.own()]).size, 4)
    await b.beat()
    pass(SILENT_MS + 1)
    await b.beat()
    locks.clear()
    await b.look()
    assert.deepEqual(b.own(), ['h1', 'h2', 'h3', 'h4'])
  })

  test('are served by somebody, also those that were handed to one who by then was to have fewer', async (t) => {
    const { open } = openSite(t)
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6']
    const a = await open('a', hosts)
    await a.look()
    const b = await open('b', hosts)
    await a.beat()
    await a.look()
    assert.equal(a.own().length, 3, 'the other three are for b, who is slow')
    const c = await open('c', hosts)
    for (let round = 0; round < 2; round++)
      for (const peer of [a, b, c]) {
        await peer.beat()
        await peer.look()
      }
    await c.look()
    assert.deepEqual([...a.own(), ...b.own(), ...c.own()].sort(), hosts)
    assert.deepEqual([a.own().length, b.own().length, c.own().length], [2, 2, 2])
  })

  test('what a slow peer writes of a host that was taken is refused, in the transaction that writes', async (t) => {
    const { open, pass, locks } = openSite(t)
    const [a, b] = [await open('a', ['h1']), await open('b', ['h1'])]
    await a.look()
    await a.confirm('h1')
    await assert.rejects(b.confirm('h1'), HostTaken.is)
    pass(SILENT_MS + 1)
    await b.beat()
    locks.clear()
    await b.look()
    await b.confirm('h1')
    assert.ok(a.ownership.isOwn('h1'), 'it has not noticed yet')
    await assert.rejects(a.confirm('h1'), HostTaken.is)
    await a.beat()
    await a.look()
    assert.deepEqual(a.own(), [])
    assert.equal(a.ownership.ownerOf('h1'), 'b')
  })

  test('a host whose lock a silent process still holds is waited for', async (t) => {
    const { open, pass, locks } = openSite(t)
    const [a, b] = [await open('a', ['h1']), await open('b', ['h1'])]
    await a.look()
    pass(SILENT_MS + 1)
    await b.beat()
    await b.look()
    assert.deepEqual(b.own(), [])
    await a.confirm('h1')
    locks.delete('h1')
    await b.look()
    assert.deepEqual(b.own(), ['h1'])
  })

  test('a peer that begins anew has its hosts again, and what its former process writes is refused', async (t) => {
    const { open, pass } = openSite(t)
    const former = await open('a')
    await former.look()
    pass(1)
    const present = await open('a')
    await present.look()
    assert.equal(present.own().length, 4)
    await present.confirm('h1')
    await assert.rejects(former.confirm('h1'), HostTaken.is)
  })

  test('of two peers that take one host at the same time, one gets it', async (t) => {
    const { open, pass, locks } = openSite(t)
    const a = await open('a', ['h1'])
    await a.look()
    const [b, c] = [await open('b', ['h1']), await open('c', ['h1'])]
    pass(SILENT_MS + 1)
    locks.clear()
    // Each sees the other as dead: their beats come later.
    await Promise.all([b.membership.look(), c.membership.look()])
    await Promise.all([b.look(), c.look()])
    const won = [b, c].filter(({ own }) => own().length > 0)
    const confirmed = await Promise.allSettled([b.confirm('h1'), c.confirm('h1')])
    assert.equal(confirmed.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(won.length, 1)
  })

  test('listeners hear of a host that is gained and lost, and the host is released after they have heard', async (t) => {
    const { open, locks } = openSite(t)
    const a = await open('a', ['h1', 'h2'])
    const heard: string[] = []
    a.ownership.onChange((host, isOwn) => {
      heard.push(`${host} ${isOwn} ${locks.has(host)}`)
    })
    await a.look()
    await open('b', ['h1', 'h2'])
    await a.beat()
    await a.look()
    assert.deepEqual(heard, ['h1 true true', 'h2 true true', 'h2 false true'])
    assert.deepEqual([...locks.keys()], ['h1'])
  })
})
