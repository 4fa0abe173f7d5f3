/** Every intent over every world: explicit rows where a reader wants to look them up, and laws over all combinations. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { GuestPower } from '@atoll/hypervisor'
import { type Intent, planServer, type Step } from './plan-server.ts'

type Guest = { readonly power: GuestPower; readonly fence: number } | undefined

const FENCE = 5
const active: Intent = {
  intent: 'running',
  vm_state: 'active',
  task_state: null,
  fence: FENCE,
  reboots_wanted: 0,
  reboots_done: 0,
  reboot_kind: 'SOFT',
}
const building: Intent = { ...active, vm_state: 'building', task_state: 'spawning' }
const poweringOn: Intent = { ...active, vm_state: 'stopped', task_state: 'powering-on' }
const poweringOff: Intent = { ...active, intent: 'stopped', task_state: 'powering-off' }
const stopped: Intent = { ...active, intent: 'stopped', vm_state: 'stopped' }
const failed: Intent = { ...active, vm_state: 'error' }
const deleting: Intent = { ...active, intent: 'deleted', task_state: 'deleting' }
const softReboot: Intent = { ...active, task_state: 'rebooting', reboots_wanted: 1 }
const hardReboot: Intent = { ...softReboot, task_state: 'rebooting_hard', reboot_kind: 'HARD' }
const hardRebootOfStopped: Intent = { ...hardReboot, vm_state: 'stopped' }
const hardRebootOfFailed: Intent = { ...hardReboot, vm_state: 'error' }

const guest = (power: GuestPower, fence = FENCE): Guest => ({ power, fence })
const none: Step = { kind: 'none' }
const start: Step = { kind: 'start', reboots: 0 }
const startAsReboot: Step = { kind: 'start', reboots: 1 }
const reportRunning: Step = { kind: 'report-running' }

const rows: readonly (readonly [fact: string, server: Intent, guest: Guest, step: Step])[] = [
  ['a new server is started', building, undefined, start],
  ['a start that failed is tried again', building, guest('shutdown'), start],
  ['a guest that runs is reported', building, guest('running'), reportRunning],
  ['a guest of an earlier life is taken over', poweringOn, guest('running', FENCE - 1), start],
  ['a start carries on after its guest has ended at once', poweringOn, guest('shutdown'), start],
  ['a healthy guest is left alone', active, guest('running'), none],
  ['a guest known under a higher fence is left alone', active, guest('running', FENCE + 1), none],
  ['a paused guest is resumed', active, guest('paused'), start],
  ['a crashed guest is started again', active, guest('crashed'), start],
  ['a guest that is missing is started', active, undefined, start],
  [
    'a shutdown from inside is respected',
    active,
    guest('shutdown'),
    { kind: 'report-stopped', byGuest: true },
  ],
  ['a server in error is left alone', failed, undefined, none],
  ['a server in error is left alone when its guest runs', failed, guest('running'), none],
  ['a server in error is rebooted by a start', hardRebootOfFailed, guest('crashed'), startAsReboot],
  ['a guest that is to stop is stopped', poweringOff, guest('running'), { kind: 'stop' }],
  ['a paused guest that is to stop is stopped', poweringOff, guest('paused'), { kind: 'stop' }],
  ['a stop is reported', poweringOff, guest('shutdown'), { kind: 'report-stopped', byGuest: false }],
  [
    'a crash while stopping is a stop',
    poweringOff,
    guest('crashed'),
    { kind: 'report-stopped', byGuest: false },
  ],
  ['a stopped server rests', stopped, guest('shutdown'), none],
  ['a stopped server without a guest rests', stopped, undefined, none],
  ['a guest that came up although it was to be down is stopped', stopped, guest('running'), { kind: 'stop' }],
  ['a soft reboot is soft', softReboot, guest('running'), { kind: 'reboot', mode: 'soft', number: 1 }],
  [
    'a paused guest cannot be asked',
    softReboot,
    guest('paused'),
    { kind: 'reboot', mode: 'hard', number: 1 },
  ],
  ['a soft reboot of a crashed guest is a start', softReboot, guest('crashed'), startAsReboot],
  ['a soft reboot crossed by a shutdown is a start', softReboot, guest('shutdown'), startAsReboot],
  ['a hard reboot is hard', hardReboot, guest('running'), { kind: 'reboot', mode: 'hard', number: 1 }],
  ['a hard reboot of a stopped server is a start', hardRebootOfStopped, guest('shutdown'), startAsReboot],
  [
    'a reboot of a guest under an old fence takes it over first',
    hardReboot,
    guest('running', FENCE - 1),
    start,
  ],
  ['a deletion ends the guest', deleting, guest('running'), { kind: 'delete' }],
  ['a deletion without a guest goes on', deleting, undefined, { kind: 'delete' }],
]

const intents = ['running', 'stopped', 'deleted'] as const
const vmStates = ['building', 'active', 'stopped', 'error'] as const
const taskStates = [null, 'spawning', 'powering-off', 'powering-on', 'rebooting', 'rebooting_hard'] as const
const powers = ['running', 'paused', 'shutdown', 'crashed'] as const
const reboots = [
  { reboots_wanted: 3, reboots_done: 3, reboot_kind: 'HARD' },
  { reboots_wanted: 4, reboots_done: 3, reboot_kind: 'SOFT' },
  { reboots_wanted: 5, reboots_done: 3, reboot_kind: 'HARD' },
] as const

const guests: readonly Guest[] = [
  undefined,
  ...powers.flatMap((power) => [FENCE - 1, FENCE, FENCE + 1].map((fence) => ({ power, fence }))),
]

function* combinations(): Generator<readonly [Intent, Guest]> {
  for (const intent of intents)
    for (const vm_state of vmStates)
      for (const task_state of taskStates)
        for (const reboot of reboots)
          for (const each of guests) yield [{ intent, vm_state, task_state, fence: FENCE, ...reboot }, each]
}

suite('the plan of a server', () => {
  for (const [fact, server, present, step] of rows) {
    test(fact, () => assert.deepEqual(planServer(server, present), step))
  }

  test('never touches a guest that runs as it should', () => {
    for (const [server, present] of combinations()) {
      const isHealthy = present?.power === 'running' && present.fence >= FENCE
      if (server.intent !== 'running' || !isHealthy || server.reboots_wanted > server.reboots_done) continue
      assert.ok(['none', 'report-running'].includes(planServer(server, present).kind), show(server, present))
    }
  })

  test('starts nothing that is to be down or gone', () => {
    for (const [server, present] of combinations()) {
      if (server.intent === 'running') continue
      const { kind } = planServer(server, present)
      assert.ok(kind !== 'start' && kind !== 'reboot', show(server, present))
    }
  })

  test('reboots only what is up', () => {
    for (const [server, present] of combinations()) {
      if (planServer(server, present).kind !== 'reboot') continue
      assert.ok(present?.power === 'running' || present?.power === 'paused', show(server, present))
    }
  })

  test('comes to rest from everywhere, each step doing what its name says', () => {
    for (const [first, present] of combinations()) {
      let [server, now]: readonly [Intent | undefined, Guest] = [first, present]
      for (let steps = 0; server; steps++) {
        const step = planServer(server, now)
        if (step.kind === 'none') break
        assert.ok(steps < 4, `no rest for ${show(first, present)}, now at ${show(server, now)}`)
        ;[server, now] = perform(step, server, now)
      }
      const isUp = now?.power === 'running'
      const isGivenUp = first.vm_state === 'error'
      if (first.intent === 'deleted') assert.equal(server, undefined)
      else if (server?.intent === 'stopped') assert.ok(!isUp && server.vm_state === 'stopped')
      else if (!isGivenUp) assert.ok(isUp && server?.vm_state === 'active', show(first, present))
    }
  })
})

/** A host that does as it is told, and reports as `reports.ts` writes them. */
function perform(step: Step, server: Intent, present: Guest): readonly [Intent | undefined, Guest] {
  const running = { power: 'running', fence: Math.max(FENCE, present?.fence ?? 0) } as const
  const atRest = { task_state: null } as const
  switch (step.kind) {
    case 'none':
      return [server, present]
    case 'start':
      return [step.reboots > server.reboots_done ? rebooted(server, step.reboots) : server, running]
    case 'reboot':
      return [rebooted(server, step.number), running]
    case 'stop':
      return [server, present && { ...present, power: 'shutdown' }]
    case 'delete':
      return [undefined, undefined]
    case 'report-running':
      return [{ ...server, ...atRest, vm_state: 'active' }, present]
    case 'report-stopped':
      return [{ ...server, ...atRest, intent: 'stopped', vm_state: 'stopped' }, present]
  }
}

function rebooted(server: Intent, number: number): Intent {
  return { ...server, reboots_done: number, vm_state: 'active', task_state: null }
}

function show(server: Intent, present: Guest): string {
  return JSON.stringify({ server, guest: present ?? null })
}
