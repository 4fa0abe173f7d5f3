/** The simulated host: the common contracts, and what only a simulation promises. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Clock, mintId, type Random, seededRandom, sleep } from '@atoll/kit'
import type { GuestSpec } from '../hypervisor.ts'
import { hypervisorConformance } from '../hypervisor-conformance.ts'
import { SimulatedHypervisor } from './simulated-hypervisor.ts'
import { SimulatedMachine } from './simulated-machine.ts'

hypervisorConformance('the simulated hypervisor', async () => {
  const clock = instantClock()
  const random = seededRandom('conformance')
  const machine = new SimulatedMachine({ clock, random })
  const shortLived = new Set<string>()
  machine.subscribe(({ id, kind }) => {
    if (kind === 'started' && shortLived.has(id)) clock.after(10, () => machine.shutDownFromInside(id))
  })
  return {
    clock,
    bootedText: 'login: ',
    open: async () => new SimulatedHypervisor({ machine, clock }),
    spec: (behaviour) => {
      const spec = guestSpec(random)
      if (behaviour === 'deaf') machine.deafen(spec.id)
      if (behaviour === 'short-lived') shortLived.add(spec.id)
      if (behaviour === 'broken') machine.failNextStart()
      return spec
    },
    kill: async ({ id }) => machine.crash(id),
    close: async () => {},
  }
})

suite('a simulated host', () => {
  test('prints the name of the guest as a host name', async () => {
    const { clock, random, hypervisor } = simulatedHost('name')
    const spec = guestSpec(random, { name: 'Web Server_1!' })
    await hypervisor.start(spec)
    await sleep(clock, 10_000)
    assert.match(await hypervisor.consoleOutput(spec.id), /web-server-1 login: $/)
  })

  test('shows only what the guest has printed so far', async () => {
    const { clock, random, hypervisor } = simulatedHost('so far')
    const spec = guestSpec(random)
    await hypervisor.start(spec)
    const atStart = await hypervisor.consoleOutput(spec.id)
    assert.match(atStart, /Linux version/)
    assert.doesNotMatch(atStart, /login/)
    await sleep(clock, 10_000)
    assert.ok((await hypervisor.consoleOutput(spec.id)).startsWith(atStart))
  })

  test('does the same twice from one seed', async () => {
    const transcript = async () => {
      const { clock, random, machine, hypervisor } = simulatedHost('twice')
      const lines: string[] = []
      hypervisor.subscribe((event) => lines.push(`${clock.monotonicMs()} ${event.id} ${event.kind}`))
      const specs = Array.from({ length: 5 }, () => guestSpec(random))
      for (const spec of specs) await hypervisor.start(spec)
      await sleep(clock, 10_000)
      await Promise.all(specs.map(({ id }) => hypervisor.stop(id, { mode: 'soft', graceMs: 10_000 })))
      lines.push(JSON.stringify(machine.guests()))
      return lines
    }
    const first = await transcript()
    assert.equal(first.length, 5 + 5 + 1)
    assert.deepEqual(await transcript(), first)
  })

  test('loses all its guests with its power, and tells it to the next driver', async () => {
    const { random, machine, hypervisor } = simulatedHost('power')
    const stopped = guestSpec(random)
    const running = guestSpec(random)
    for (const spec of [stopped, running]) await hypervisor.start(spec)
    await hypervisor.stop(stopped.id, { mode: 'hard', graceMs: 0 })
    machine.losePower()
    const powers = new Map((await hypervisor.list()).map(({ id, power }) => [id, power]))
    assert.equal(powers.get(stopped.id), 'shutdown')
    assert.equal(powers.get(running.id), 'crashed')
  })

  test('resumes a paused guest at its start', async () => {
    const { random, machine, hypervisor } = simulatedHost('pause')
    const spec = guestSpec(random)
    await hypervisor.start(spec)
    machine.pause(spec.id)
    assert.equal((await hypervisor.list())[0]?.power, 'paused')
    await hypervisor.start(spec)
    assert.equal((await hypervisor.list())[0]?.power, 'running')
  })

  test('a guest that is still booting does not hear its power button', async () => {
    const { clock, random, hypervisor } = simulatedHost('early')
    const spec = guestSpec(random)
    await hypervisor.start(spec)
    const beganMs = clock.monotonicMs()
    await hypervisor.stop(spec.id, { mode: 'soft', graceMs: 700 })
    assert.equal(clock.monotonicMs() - beganMs, 700)
    assert.equal((await hypervisor.list())[0]?.power, 'shutdown')
  })

  test('holds ten thousand guests', async () => {
    const { random, hypervisor } = simulatedHost('many')
    for (let count = 0; count < 10_000; count++) await hypervisor.start(guestSpec(random))
    const states = await hypervisor.list()
    assert.equal(states.length, 10_000)
    assert.ok(states.every(({ power }) => power === 'running'))
  })
})

function simulatedHost(seed: string) {
  const clock = instantClock()
  const random = seededRandom(seed)
  const machine = new SimulatedMachine({ clock, random })
  return { clock, random, machine, hypervisor: new SimulatedHypervisor({ machine, clock }) }
}

function guestSpec(random: Random, change: Partial<GuestSpec> = {}): GuestSpec {
  return {
    id: mintId(random, 1),
    name: 'web',
    fence: 1,
    vcpus: 1,
    ramMib: 512,
    rootDisk: { basePath: '/images/web', baseFormat: 'raw', sizeBytes: 1024 ** 3 },
    interfaces: [],
    ...change,
  }
}

/** A clock that jumps to its next timer as soon as nothing else is left to do. */
function instantClock(): Clock {
  const timers: { readonly atMs: number; readonly action: () => void }[] = []
  let nowMs = 0
  let isScheduled = false
  const schedule = () => {
    if (isScheduled || timers.length === 0) return
    isScheduled = true
    setImmediate(tick)
  }
  const tick = () => {
    isScheduled = false
    timers.sort((left, right) => left.atMs - right.atMs)
    const timer = timers.shift()
    if (timer) nowMs = timer.atMs
    timer?.action()
    schedule()
  }
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, action) => {
      const timer = { atMs: nowMs + delayMs, action }
      timers.push(timer)
      schedule()
      return () => {
        const index = timers.indexOf(timer)
        if (index >= 0) timers.splice(index, 1)
      }
    },
  }
}
