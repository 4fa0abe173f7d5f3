/** What becomes of servers on simulated hosts, from the request of their owner to the guest and back. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SimulatedHypervisor } from '@atoll/hypervisor'
import { defineError } from '@atoll/kit'
import { hosts as hostRecords, servers } from '../records.ts'
import { foreignSpec, openAgentWorld } from '../testing/agent-world.ts'
import { scope } from '../testing/test-cloud.ts'
import { PATIENCE_MS } from './attempts.ts'

const Unreachable = defineError<object>({
  code: 'test.agent.unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: () => 'The data of the image cannot be reached at the moment.',
})
const ImageGone = defineError<object>({
  code: 'test.agent.image_gone',
  status: 404,
  fault: 'itemNotFound',
  message: () => 'The image is gone.',
})

const STRANGER = '99999999-9999-4999-8999-999999999999'

suite('the agent of compute hosts', () => {
  test('a server is created, stopped, started, rebooted both ways and deleted', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const id = await world.create({ config_drive: true })
    const machine = await world.machineOf(id)
    await world.untilState(id, 'active')
    assert.deepEqual([machine.guest(id)?.power, world.drives.has(id)], ['running', true])
    assert.ok((await world.row(id)).launched_at)
    await world.clock.pass(10_000)

    await world.act(id, { 'os-stop': null })
    await world.untilState(id, 'stopped')
    assert.equal(machine.guest(id)?.power, 'shutdown')
    await world.act(id, { 'os-start': null })
    await world.untilState(id, 'active')
    assert.deepEqual([machine.guest(id)?.bootCount, machine.guest(id)?.fence], [2, 2])
    await world.clock.pass(10_000)

    await world.act(id, { reboot: { type: 'SOFT' } })
    await world.untilState(id, 'active')
    assert.equal(machine.guest(id)?.bootCount, 3)
    await world.act(id, { reboot: { type: 'HARD' } })
    await world.untilState(id, 'active')
    assert.equal(machine.guest(id)?.bootCount, 4)

    await world.remove(id)
    await world.untilState(id, undefined)
    assert.deepEqual([machine.guest(id), world.drives.has(id)], [undefined, false])
  })

  test('everything is done at the news of it, without waiting for the next full pass', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active', 0)
    const machine = await world.machineOf(id)
    await world.act(id, { reboot: { type: 'HARD' } })
    await world.untilState(id, 'active', 0)
    machine.shutDownFromInside(id)
    await world.untilState(id, 'stopped', 0)
    await world.act(id, { 'os-start': null })
    await world.untilState(id, 'active', 0)
    machine.crash(id)
    await world.clock.until('it runs again', () => machine.guest(id)?.power === 'running', 0)
    await world.remove(id)
    await world.untilState(id, undefined, 0)
  })

  test('a guest that crashes is started again on its disk, and ever more slowly when it crashes again', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    const machine = await world.machineOf(id)
    const disk = machine.guest(id)?.spec?.rootDisk
    machine.subscribe(({ kind }) => {
      if (kind === 'started') world.clock.after(1, () => machine.crash(id))
    })
    machine.crash(id)
    await world.clock.pass(3_600_000)
    const boots = machine.guest(id)?.bootCount ?? 0
    assert.ok(boots > 60 && boots < 75, `${boots} boots in an hour`)
    assert.deepEqual(machine.guest(id)?.spec?.rootDisk, disk)
  })

  test('servers start again after their host has lost its power, also when their image is gone', async (t) => {
    const world = await openAgentWorld(t)
    const first = world.startAgent()
    const ids = [await world.create(), await world.create()]
    for (const id of ids) await world.untilState(id, 'active')
    const machine = await world.machineOf(ids[0] ?? '')
    await world.clock.pass(10_000)
    const [stopped = '', running = ''] = ids
    await world.act(stopped, { 'os-stop': null })
    await world.untilState(stopped, 'stopped')
    await first.stop()
    machine.losePower()
    world.images.imageOf = () => Promise.reject(ImageGone({}))
    world.startAgent()
    await world.clock.until('it runs', () => machine.guest(running)?.power === 'running', 0)
    assert.equal(await world.stateOf(running), 'active')
    assert.equal(machine.guest(stopped)?.power, 'shutdown')
  })

  test('a start that fails is tried again', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    world.machines.get('east-h1')?.failNextStart()
    const id = await world.create()
    await world.untilState(id, 'active', 2_000)
  })

  test('a start that keeps failing ends in ERROR with its reason, and a hard reboot tries anew', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    const machine = await world.machineOf(id)
    let isBroken = true
    const breakNext = () => isBroken && machine.failNextStart('no memory left')
    world.ports.tapOf = async () => {
      breakNext()
      return 'tap0'
    }
    machine.crash(id)
    await world.untilState(id, 'error', 60_000)
    const message = `Instance ${id} could not be started: no memory left`
    assert.equal((await world.row(id)).fault?.message, message)
    isBroken = false
    await world.clock.pass(300_000)
    assert.equal(await world.stateOf(id), 'error')
    await world.act(id, { reboot: { type: 'HARD' } })
    await world.untilState(id, 'active')
    assert.equal((await world.row(id)).fault, null)
  })

  test('an image out of reach is waited for, as long as a partition may last', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const { imageOf } = world.images
    world.images.imageOf = () => Promise.reject(Unreachable({}))
    const [heals, stays] = [await world.create(), await world.create()]
    await world.clock.pass(PATIENCE_MS / 2)
    assert.equal(await world.stateOf(heals), 'building spawning')
    world.images.imageOf = imageOf
    await world.untilState(heals, 'active', 60_000)
    await world.untilState(stays, 'active', 60_000)
    world.images.imageOf = () => Promise.reject(Unreachable({}))
    const late = await world.create()
    await world.untilState(late, 'error', PATIENCE_MS + 60_000)
    assert.equal((await world.row(late)).fault?.message, Unreachable({}).message)
  })

  test('an image that is gone is no matter of patience', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    world.images.imageOf = () => Promise.reject(ImageGone({}))
    const id = await world.create()
    await world.untilState(id, 'error', 0)
  })

  test('no guest starts before the taps of its ports are there', async (t) => {
    const world = await openAgentWorld(t)
    const wired = Promise.withResolvers<string>()
    world.ports.tapOf = () => wired.promise
    world.startAgent()
    const id = await world.create()
    await world.clock.pass(20_000)
    const machine = await world.machineOf(id)
    assert.equal(machine.guest(id), undefined)
    wired.resolve('tap-of-it')
    await world.untilState(id, 'active', 0)
    assert.deepEqual(
      machine.guest(id)?.spec?.interfaces.map(({ tapName }) => tapName),
      ['tap-of-it'],
    )
  })

  test('a server can be deleted while it waits to start, and holds up nobody meanwhile', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const arrived = Promise.withResolvers<never>()
    const { imageOf } = world.images
    world.images.imageOf = () => arrived.promise
    const waiting = await Promise.all(Array.from({ length: 8 }, () => world.create()))
    world.images.imageOf = imageOf
    const id = await world.create()
    await world.untilState(id, 'active', 0)
    const [first = ''] = waiting
    await world.remove(first)
    await world.untilState(first, undefined, 0)
    arrived.resolve(imageOf(STRANGER) as never)
    for (const each of waiting.slice(1)) await world.untilState(each, 'active', 0)
    assert.equal((await world.machineOf(first)).guest(first), undefined)
  })

  test('guests that do not hear their power button hold up nobody, and can be deleted', async (t) => {
    const world = await openAgentWorld(t)
    world.startAgent()
    const deaf = await Promise.all(Array.from({ length: 8 }, () => world.create()))
    for (const id of deaf) await world.untilState(id, 'active')
    const [first = '', second = '', third = ''] = deaf
    const machine = await world.machineOf(first)
    for (const id of deaf) machine.deafen(id)
    for (const id of deaf)
      await world.act(id, id === third ? { reboot: { type: 'SOFT' } } : { 'os-stop': null })
    await world.untilState(await world.create(), 'active', 0)
    await world.remove(first)
    await world.untilState(first, undefined, 0)
    await world.act(third, { reboot: { type: 'HARD' } })
    await world.untilState(third, 'active', 0)
    assert.equal(await world.stateOf(second), 'active powering-off')
    await world.untilState(second, 'stopped', 61_000)
    await world.clock.pass(120_000)
    assert.deepEqual([machine.guest(third)?.bootCount, machine.guest(third)?.power], [2, 'running'])
  })

  test('an agent that stops does not wait for guests that take their time', async (t) => {
    const world = await openAgentWorld(t)
    const { stop } = world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    ;(await world.machineOf(id)).deafen(id)
    await world.act(id, { 'os-stop': null })
    await world.clock.pass(1_000)
    const beganMs = world.clock.monotonicMs()
    await stop()
    assert.equal(world.clock.monotonicMs(), beganMs)
    world.startAgent()
    await world.untilState(id, 'stopped', 61_000)
  })

  test('the guest of a server that was deleted is destroyed, that of an unknown one is left alone', async (t) => {
    const world = await openAgentWorld(t)
    const former = world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    const machine = await world.machineOf(id)
    await former.stop()
    await world.remove(id)
    await world.finishDeletion(id)
    const hypervisor = new SimulatedHypervisor({ machine, clock: world.clock })
    await hypervisor.start(foreignSpec(STRANGER))
    world.startAgent()
    await world.clock.until('it is destroyed', () => machine.guest(id) === undefined, 0)
    assert.equal(machine.guest(STRANGER)?.power, 'running')
  })

  test('a guest is gone before its ports are, also one that the host cannot list', async (t) => {
    const guests: unknown[] = []
    const listNothing = { get: async () => undefined, list: async () => [] }
    let isBlind = false
    const world = await openAgentWorld(t, {
      onPortsGo: (id) => guests.push(world.machines.get('east-h1')?.guest(id)),
      wrapHypervisor: (hypervisor) =>
        new Proxy(hypervisor, {
          get: (_, name) => {
            const value = Reflect.get(isBlind && name in listNothing ? listNothing : hypervisor, name)
            return typeof value === 'function' ? value.bind(hypervisor) : value
          },
        }),
    })
    world.startAgent()
    const [seen, unseen] = [await world.create(), await world.create()]
    for (const id of [seen, unseen]) await world.untilState(id, 'active')
    await world.remove(seen)
    await world.untilState(seen, undefined, 0)
    isBlind = true
    await world.remove(unseen)
    await world.untilState(unseen, undefined, 0)
    assert.deepEqual(guests, [undefined, undefined])
    assert.deepEqual(world.machines.get('east-h1')?.guests(), [])
  })

  test('a server whose record is older than its guest is not started over it', async (t) => {
    const world = await openAgentWorld(t)
    const former = world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    await former.stop()
    const machine = await world.machineOf(id)
    const hypervisor = new SimulatedHypervisor({ machine, clock: world.clock })
    await hypervisor.start({ ...foreignSpec(id), fence: 7 })
    machine.crash(id)
    world.startAgent()
    await world.untilState(id, 'error', 0)
    assert.match((await world.row(id)).fault?.message ?? '', /generation 1 is stale/)
    assert.deepEqual([machine.guest(id)?.power, machine.guest(id)?.fence], ['crashed', 7])
  })

  test('a guest whose server went on elsewhere is ended, and keeps its disk', async (t) => {
    const world = await openAgentWorld(t, { hostsCount: 2 })
    const former = world.startAgent()
    const id = await world.create()
    await world.untilState(id, 'active')
    await former.stop()
    const here = await world.machineOf(id)
    const elsewhere = [...world.machines.keys()].find((name) => world.machines.get(name) !== here) ?? ''
    await world.state.transaction((transaction) =>
      transaction.update(servers, id, { host: elsewhere, fence: 2 }),
    )
    world.startAgent()
    const there = world.machines.get(elsewhere)
    await world.clock.until('it runs there only', () => there?.guest(id)?.power === 'running', 0)
    await world.clock.until('it ends here', () => here.guest(id)?.power === 'shutdown', 0)
  })

  test('the console of a server is what its guest wrote', async (t) => {
    const world = await openAgentWorld(t)
    const { agent } = world.startAgent()
    const id = await world.create()
    assert.equal(await agent.consoleOutput({ id: STRANGER, host: 'east-h1' }, undefined), '')
    assert.equal(await agent.consoleOutput({ id, host: 'elsewhere' }, undefined), '')
    await world.untilState(id, 'active')
    await world.clock.pass(10_000)
    assert.match(await agent.consoleOutput(await world.row(id), 1), /login: $/)
  })
})

suite('hosts', () => {
  test('are registered with what they offer, and not written again when nothing changed', async (t) => {
    const world = await openAgentWorld(t, { hostsCount: 3 })
    const first = world.startAgent()
    const rows = () => world.state.select(scope, hostRecords).selectAll().orderBy('name').execute()
    await world.clock.until('it is registered', async () => (await rows())[0]?.vcpus === 1000, 0)
    await first.stop()
    const before = await rows()
    const second = world.startAgent()
    await world.untilState(await world.create(), 'active')
    await second.stop()
    const after = await rows()
    const untouched = before.filter(({ seq }, index) => after[index]?.seq === seq)
    assert.equal(untouched.length, 2)
  })
})
