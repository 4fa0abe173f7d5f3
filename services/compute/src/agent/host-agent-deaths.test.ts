/**
 * The process of the agent dies at each of its calls in turn, before the call and after it, and a new one takes its
 * place: the end must be the same, with one guest for each server, and with guests of others as they were.
 */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SimulatedGuest } from '@atoll/hypervisor'
import { hosts } from '../records.ts'
import { type AgentWorld, openAgentWorld } from '../testing/agent-world.ts'
import { type Death, Life } from '../testing/life.ts'
import { scope } from '../testing/test-cloud.ts'

interface Scenario {
  readonly name: string
  /** Brings a server to where the scenario begins; an agent lives. */
  readonly prepare: (world: AgentWorld) => Promise<string>
  /** What its owner, or its guest, does. */
  readonly act: (world: AgentWorld, id: string) => Promise<void>
  /** What the record says in the end; undefined: it is gone. */
  readonly end: string | undefined
  readonly checkGuest: (guest: SimulatedGuest | undefined, before: SimulatedGuest | undefined) => void
}

const active = async (world: AgentWorld) => {
  const id = await world.create()
  await world.untilState(id, 'active')
  await world.clock.pass(10_000)
  return id
}
const stopped = async (world: AgentWorld) => {
  const id = await active(world)
  await world.act(id, { 'os-stop': null })
  await world.untilState(id, 'stopped')
  return id
}
const bootedOnce = (guest: SimulatedGuest | undefined) => {
  assert.equal(guest?.power, 'running')
  assert.equal(guest.bootCount, 1)
}
const bootedAgain = (guest: SimulatedGuest | undefined, before: SimulatedGuest | undefined) => {
  assert.equal(guest?.power, 'running')
  const boots = guest.bootCount - (before?.bootCount ?? 0)
  // A process that dies before it could write that it has rebooted a guest does so once more.
  assert.ok(boots === 1 || boots === 2, `${boots} boots`)
}
const isDown = (guest: SimulatedGuest | undefined) => assert.equal(guest?.power, 'shutdown')
const isGone = (guest: SimulatedGuest | undefined) => assert.equal(guest, undefined)

let created = ''
const scenarios: readonly Scenario[] = [
  {
    name: 'a create',
    prepare: async () => '',
    act: async (world) => {
      created = await world.create({ config_drive: true })
    },
    end: 'active',
    checkGuest: bootedOnce,
  },
  {
    name: 'a stop',
    prepare: active,
    act: (world, id) => world.act(id, { 'os-stop': null }),
    end: 'stopped',
    checkGuest: isDown,
  },
  {
    name: 'a start',
    prepare: stopped,
    act: (world, id) => world.act(id, { 'os-start': null }),
    end: 'active',
    checkGuest: bootedAgain,
  },
  {
    name: 'a soft reboot',
    prepare: active,
    act: (world, id) => world.act(id, { reboot: { type: 'SOFT' } }),
    end: 'active',
    checkGuest: bootedAgain,
  },
  {
    name: 'a hard reboot',
    prepare: active,
    act: (world, id) => world.act(id, { reboot: { type: 'HARD' } }),
    end: 'active',
    checkGuest: bootedAgain,
  },
  {
    name: 'a hard reboot of a stopped server',
    prepare: stopped,
    act: (world, id) => world.act(id, { reboot: { type: 'HARD' } }),
    end: 'active',
    checkGuest: bootedAgain,
  },
  {
    name: 'a crash of the guest',
    prepare: active,
    act: async (world, id) => (await world.machineOf(id)).crash(id),
    end: 'active',
    checkGuest: bootedAgain,
  },
  {
    name: 'a shutdown from inside',
    prepare: active,
    act: async (world, id) => (await world.machineOf(id)).shutDownFromInside(id),
    end: 'stopped',
    checkGuest: isDown,
  },
  {
    name: 'a deletion',
    prepare: active,
    act: (world, id) => world.remove(id),
    end: undefined,
    checkGuest: isGone,
  },
]

/** More calls than any scenario makes. */
const CALLS_MAX = 60

suite('an agent that is killed anywhere', () => {
  for (const scenario of scenarios) {
    test(`during ${scenario.name}`, async (t) => {
      const world = await openAgentWorld(t)
      const first = world.startAgent()
      const bystander = await active(world)
      await first.stop()
      let deaths = 0
      for (const when of ['before', 'after'] as const) {
        for (let atCall = 1; await hasDied(world, bystander, scenario, { atCall, when }); atCall++) {
          assert.ok(atCall < CALLS_MAX, 'the scenario ends')
          deaths++
        }
      }
      assert.ok(deaths >= 14, `${deaths} places to die`)
      t.diagnostic(`${deaths} deaths`)
    })
  }
})

/** Plays the scenario with this death; answers whether it came to it. */
async function hasDied(
  world: AgentWorld,
  bystander: string,
  scenario: Scenario,
  death: Death,
): Promise<boolean> {
  const machine = await world.machineOf(bystander)
  const first = world.startAgent()
  const prepared = await scenario.prepare(world)
  await first.stop()
  const [others, before] = [machine.guest(bystander), machine.guest(prepared)]

  const life = new Life(death)
  const second = world.startAgent(life)
  await scenario.act(world, prepared)
  // Long enough for the slowest scenario, a guest that shuts down and boots again.
  await world.clock.pass(10_000)
  const last = life.isOver ? world.startAgent() : second
  life.spare()
  const id = prepared || created
  await world.untilState(id, scenario.end, 90_000)
  await world.clock.pass(10_000)

  const isThere = scenario.end !== undefined
  scenario.checkGuest(machine.guest(id), before)
  assert.deepEqual(machine.guest(bystander), others)
  assert.equal(machine.guests().length, isThere ? 2 : 1)
  const [host] = await world.state.select(scope, hosts).selectAll().execute()
  assert.equal(host?.servers_count, isThere ? 2 : 1)
  if (isThere) await world.remove(id)
  await world.untilState(id, undefined)
  await last.stop()
  return life.isOver
}
