/**
 * The contracts of `Hypervisor` as a suite of tests that every driver passes, over real guests or simulated ones.
 * One file because it is a list: one place to read what a driver must do.
 */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Clock, sleep } from '@atoll/kit'
import { GuestNotFound, GuestNotRunning, GuestStartFailed, HypervisorClosed, StaleFence } from './errors.ts'
import type { GuestEvent, GuestSpec, GuestState, Hypervisor } from './hypervisor.ts'

/** How the suite reaches the world behind a driver. */
export interface HypervisorHarness {
  readonly clock: Clock
  /** What a guest has printed at the end of each boot. */
  readonly bootedText: string
  /** A driver over the host, each call a new one over the same host: the suite closes the one before. */
  open(): Promise<Hypervisor>
  /** A guest with an id of its own, and fence 1. */
  spec(behaviour: GuestBehaviour): GuestSpec
  /** Ends a running guest's process as `kill -9` does. */
  kill(guest: GuestState): Promise<void>
  /** Removes what `open` and `spec` made, but for the guests. */
  close(): Promise<void>
}

/**
 * Obedient: shuts down when the power button is pressed. Deaf: does not. Short-lived: shuts itself down as soon as
 * it has booted. Broken: its next start fails, and those after it do not.
 */
export type GuestBehaviour = 'obedient' | 'deaf' | 'short-lived' | 'broken'

/** Generous, since guests are emulated on busy machines; a wait ends as soon as its condition holds. */
const WAIT_MS_MAX = 30_000
const POLL_INTERVAL_MS = 20
const HARD = { mode: 'hard', graceMs: 0 } as const
const SOFT = { mode: 'soft', graceMs: WAIT_MS_MAX } as const
const SOFT_BUT_SHORT = { mode: 'soft', graceMs: 200 } as const

/** Declares the suite. `make` is called once, before the first test. */
export function hypervisorConformance(name: string, make: () => Promise<HypervisorHarness>): void {
  suite(`${name} keeps the contracts of a hypervisor`, () => {
    let harness: HypervisorHarness
    before(async () => {
      harness = await make()
    })
    after(async () => {
      const hypervisor = await harness.open()
      for (const { id } of await hypervisor.list()) await hypervisor.destroy(id)
      await hypervisor.close()
      await harness.close()
    })
    const declare: Declare = (fact, body) => {
      void test(fact, async () => {
        const host = await Host.open(harness)
        try {
          await body(host)
        } finally {
          await host.cleanUp()
        }
      })
    }
    declareStarts(declare)
    declareFences(declare)
    declareEnds(declare)
    declareReboots(declare)
    declarePeerDeaths(declare)
    declareEvents(declare)
  })
}

type Declare = (fact: string, body: (host: Host) => Promise<void>) => void

function declareStarts(declare: Declare): void {
  declare('the host says what it offers', async ({ hypervisor }) => {
    const { vcpus, ramMib, diskBytes, hypervisorVersion } = await hypervisor.describe()
    assert.ok(vcpus >= 1 && ramMib >= 1 && diskBytes >= 1 && hypervisorVersion >= 1)
  })

  declare('a started guest is listed as running, and its console shows that it boots', async (host) => {
    const spec = await host.start('obedient')
    const state = await host.state(spec.id)
    assert.equal(state?.power, 'running')
    assert.equal(state.fence, 1)
    assert.ok((state.pid ?? 0) > 0)
    assert.deepEqual(await host.hypervisor.get(spec.id), state)
    assert.deepEqual(await host.hypervisor.specOf(spec.id), spec)
    await host.waitForBoots(spec.id, 1)
  })

  declare('a second start of a running guest changes nothing', async (host) => {
    const spec = await host.start('obedient')
    const before = await host.state(spec.id)
    await host.hypervisor.start(spec)
    assert.deepEqual(await host.state(spec.id), before)
  })

  declare('two starts at the same time make one guest', async (host) => {
    const spec = host.spec('obedient')
    await Promise.all([host.hypervisor.start(spec), host.hypervisor.start(spec)])
    await host.waitForBoots(spec.id, 1)
    assert.equal((await host.state(spec.id))?.power, 'running')
  })

  declare('a failed start leaves a guest that can be started', async (host) => {
    const spec = host.spec('broken')
    await assert.rejects(host.hypervisor.start(spec), GuestStartFailed.is)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
    await host.hypervisor.start(host.mended(spec))
    assert.equal((await host.state(spec.id))?.power, 'running')
  })

  declare('a failed start leaves a guest that can be destroyed', async (host) => {
    const spec = host.spec('broken')
    await assert.rejects(host.hypervisor.start(spec), GuestStartFailed.is)
    await host.hypervisor.destroy(spec.id)
    assert.equal(await host.state(spec.id), undefined)
    assert.equal(await host.hypervisor.get(spec.id), undefined)
    assert.equal(await host.hypervisor.specOf(spec.id), undefined)
  })

  declare('a console can be read by its last lines', async (host) => {
    const spec = await host.start('obedient')
    await host.waitForBoots(spec.id, 1)
    const text = await host.hypervisor.consoleOutput(spec.id)
    const last = await host.hypervisor.consoleOutput(spec.id, { lines: 1 })
    assert.ok(last.length < text.length && text.endsWith(last), `${JSON.stringify(last)} ends the console`)
    assert.equal(await host.hypervisor.consoleOutput(spec.id, { lines: 10_000 }), text)
  })
}

function declareFences(declare: Declare): void {
  declare(
    'a start with a lower fence is refused while the guest runs, which it goes on to do',
    async (host) => {
      const spec = await host.start('obedient', { fence: 5 })
      const before = await host.state(spec.id)
      await assert.rejects(host.hypervisor.start({ ...spec, fence: 4 }), StaleFence.is)
      assert.deepEqual(await host.state(spec.id), before)
    },
  )

  declare('a start with a lower fence is refused after the guest was stopped', async (host) => {
    const spec = await host.start('obedient', { fence: 5 })
    await host.hypervisor.stop(spec.id, HARD)
    await assert.rejects(host.hypervisor.start({ ...spec, fence: 4 }), StaleFence.is)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
  })

  declare('a start with a higher fence takes a running guest over without touching it', async (host) => {
    const spec = await host.start('obedient')
    const before = await host.state(spec.id)
    await host.hypervisor.start({ ...spec, fence: 7 })
    assert.deepEqual(await host.state(spec.id), { ...before, fence: 7 })
    await assert.rejects(host.hypervisor.start({ ...spec, fence: 6 }), StaleFence.is)
  })
}

function declareEnds(declare: Declare): void {
  declare('a guest stopped hard is shut down, keeps its console, and starts again', async (host) => {
    const spec = await host.start('obedient')
    await host.waitForBoots(spec.id, 1)
    await host.hypervisor.stop(spec.id, HARD)
    assert.deepEqual(await host.state(spec.id), { id: spec.id, fence: 1, power: 'shutdown' })
    assert.equal(await host.boots(spec.id), 1)
    await host.hypervisor.start(spec)
    assert.equal((await host.state(spec.id))?.power, 'running')
    await host.waitForBoots(spec.id, 2)
  })

  declare('an obedient guest shuts itself down at a soft stop', async (host) => {
    const spec = await host.start('obedient')
    await host.waitForBoots(spec.id, 1)
    const beganMs = host.harness.clock.monotonicMs()
    await host.hypervisor.stop(spec.id, SOFT)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
    assert.ok(host.harness.clock.monotonicMs() - beganMs < SOFT.graceMs, 'before its grace is over')
  })

  declare('a deaf guest is stopped by force when its grace is over', async (host) => {
    const spec = await host.start('deaf')
    await host.waitForBoots(spec.id, 1)
    await host.hypervisor.stop(spec.id, SOFT_BUT_SHORT)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
  })

  declare('a hard stop does not wait for a soft one', async (host) => {
    const spec = await host.start('deaf')
    await host.waitForBoots(spec.id, 1)
    const soft = host.hypervisor.stop(spec.id, SOFT)
    await host.hypervisor.stop(spec.id, HARD)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
    await soft
  })

  declare('a guest that shuts itself down is shut down', async (host) => {
    const spec = await host.start('short-lived')
    await host.waitForPower(spec.id, 'shutdown')
  })

  declare('a killed guest has crashed, and starts again under its fence', async (host) => {
    const spec = await host.start('obedient')
    await host.kill(spec.id)
    await host.waitForPower(spec.id, 'crashed')
    await host.hypervisor.start(spec)
    assert.equal((await host.state(spec.id))?.power, 'running')
  })

  declare('a crashed guest that is stopped is shut down', async (host) => {
    const spec = await host.start('obedient')
    await host.kill(spec.id)
    await host.waitForPower(spec.id, 'crashed')
    await host.hypervisor.stop(spec.id, HARD)
    await host.hypervisor.stop(spec.id, SOFT)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
  })

  declare('a destroyed guest is gone with all that was kept of it, running or not', async (host) => {
    const spec = await host.start('obedient', { fence: 3 })
    await host.hypervisor.destroy(spec.id)
    await host.hypervisor.destroy(spec.id)
    assert.equal(await host.state(spec.id), undefined)
    await assert.rejects(host.hypervisor.consoleOutput(spec.id), GuestNotFound.is)
    await host.hypervisor.start({ ...spec, fence: 1 })
    await host.waitForBoots(spec.id, 1)
    assert.equal(await host.boots(spec.id), 1)
  })

  declare('an unknown guest can only be destroyed', async (host) => {
    const { id } = host.spec('obedient')
    await assert.rejects(host.hypervisor.stop(id, HARD), GuestNotFound.is)
    await assert.rejects(host.hypervisor.stop(id, SOFT), GuestNotFound.is)
    await assert.rejects(host.hypervisor.reboot(id, HARD), GuestNotFound.is)
    await assert.rejects(host.hypervisor.consoleOutput(id), GuestNotFound.is)
    await host.hypervisor.destroy(id)
  })
}

function declareReboots(declare: Declare): void {
  for (const behaviour of ['obedient', 'deaf'] as const) {
    declare(`a hard reboot boots a guest that is ${behaviour} again in its process`, async (host) => {
      const spec = await host.start(behaviour)
      await host.waitForBoots(spec.id, 1)
      const before = await host.state(spec.id)
      await host.hypervisor.reboot(spec.id, HARD)
      await host.waitForBoots(spec.id, 2)
      assert.deepEqual(await host.state(spec.id), before)
    })

    declare(
      `a soft reboot boots a guest that is ${behaviour} again, and nobody sees it down`,
      async (host) => {
        const spec = await host.start(behaviour)
        await host.waitForBoots(spec.id, 1)
        const before = await host.state(spec.id)
        await host.hypervisor.reboot(spec.id, behaviour === 'deaf' ? SOFT_BUT_SHORT : SOFT)
        await host.waitForBoots(spec.id, 2)
        assert.deepEqual(await host.state(spec.id), before)
        const kinds = host.kindsOf(spec.id)
        assert.ok(!kinds.includes('shutdown') && !kinds.includes('paused'), kinds.join())
      },
    )
  }

  declare('a hard reboot ends the wait of a soft one, and the guest boots once', async (host) => {
    const spec = await host.start('deaf')
    await host.waitForBoots(spec.id, 1)
    const soft = host.hypervisor.reboot(spec.id, SOFT)
    await host.hypervisor.reboot(spec.id, HARD)
    await soft
    await host.waitForBoots(spec.id, 2)
    assert.equal(await host.boots(spec.id), 2)
    assert.equal((await host.state(spec.id))?.power, 'running')
  })

  declare('a guest that was rebooted softly can still shut itself down', async (host) => {
    const spec = await host.start('obedient')
    await host.waitForBoots(spec.id, 1)
    await host.hypervisor.reboot(spec.id, SOFT)
    await host.waitForBoots(spec.id, 2)
    await host.hypervisor.stop(spec.id, SOFT)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
  })

  declare('a guest that does not run is started by a hard reboot, and refuses a soft one', async (host) => {
    const spec = await host.start('obedient')
    await host.hypervisor.stop(spec.id, HARD)
    await assert.rejects(host.hypervisor.reboot(spec.id, SOFT), GuestNotRunning.is)
    await host.hypervisor.reboot(spec.id, HARD)
    assert.equal((await host.state(spec.id))?.power, 'running')
  })
}

function declarePeerDeaths(declare: Declare): void {
  declare('a guest outlives its driver, and the next driver has it in hand', async (host) => {
    const spec = await host.start('obedient')
    const before = await host.state(spec.id)
    await host.reopen()
    assert.deepEqual(await host.state(spec.id), before)
    await host.hypervisor.start(spec)
    assert.deepEqual(await host.state(spec.id), before)
    await host.waitForBoots(spec.id, 1)
    await host.hypervisor.stop(spec.id, SOFT)
    assert.equal((await host.state(spec.id))?.power, 'shutdown')
  })

  declare('the fence outlives the driver', async (host) => {
    const spec = await host.start('obedient', { fence: 9 })
    await host.hypervisor.stop(spec.id, HARD)
    await host.reopen()
    await assert.rejects(host.hypervisor.start({ ...spec, fence: 8 }), StaleFence.is)
  })

  declare('how a guest ended while no driver looked is known to the next', async (host) => {
    const killed = await host.start('obedient')
    const shortLived = await host.start('short-lived')
    const state = await host.state(killed.id)
    await host.reopen(async () => {
      assert.ok(state)
      await host.harness.kill(state)
      await sleep(host.harness.clock, 0)
    })
    await host.waitForPower(killed.id, 'crashed')
    await host.waitForPower(shortLived.id, 'shutdown')
  })

  declare('a closed driver does nothing any more', async (host) => {
    const spec = await host.start('deaf')
    await host.waitForBoots(spec.id, 1)
    const closed = host.hypervisor
    const soft = closed.stop(spec.id, SOFT_BUT_SHORT)
    const softEnd = assert.rejects(soft, HypervisorClosed.is)
    await host.reopen()
    await softEnd
    await assert.rejects(closed.list(), HypervisorClosed.is)
    await assert.rejects(closed.start(spec), HypervisorClosed.is)
    await assert.rejects(closed.destroy(spec.id), HypervisorClosed.is)
    assert.equal((await host.state(spec.id))?.power, 'running')
  })
}

function declareEvents(declare: Declare): void {
  declare('a start and a hard stop raise events', async (host) => {
    const spec = await host.start('obedient')
    await host.waitForEvent(spec.id, 'started')
    await host.hypervisor.stop(spec.id, HARD)
    await host.waitForEvent(spec.id, 'shutdown')
    assert.ok(!host.kindsOf(spec.id).includes('crashed'))
  })

  declare('a guest that shuts itself down raises an event', async (host) => {
    const spec = await host.start('short-lived')
    await host.waitForEvent(spec.id, 'shutdown')
  })

  declare('a killed guest raises an event', async (host) => {
    const spec = await host.start('obedient')
    await host.kill(spec.id)
    await host.waitForEvent(spec.id, 'crashed')
  })

  declare('a guest of an earlier driver raises events at the next', async (host) => {
    const spec = await host.start('obedient')
    await host.reopen()
    await host.kill(spec.id)
    await host.waitForEvent(spec.id, 'crashed')
  })

  declare('a reboot raises an event', async (host) => {
    const spec = await host.start('obedient')
    await host.hypervisor.reboot(spec.id, HARD)
    await host.waitForEvent(spec.id, 'rebooted')
  })

  declare('who has unsubscribed hears nothing, and a listener that throws harms nobody', async (host) => {
    const heard: GuestEvent[] = []
    const unsubscribe = host.hypervisor.subscribe((event) => heard.push(event))
    unsubscribe()
    host.hypervisor.subscribe(() => {
      throw new Error('a bug of the listener')
    })
    const spec = await host.start('obedient')
    await host.waitForEvent(spec.id, 'started')
    assert.deepEqual(heard, [])
  })
}

/** One test's view: a driver, its events, and the guests to destroy at the end. */
class Host {
  readonly harness: HypervisorHarness
  readonly #events: GuestEvent[] = []
  readonly #ids: string[] = []
  #hypervisor: Hypervisor

  private constructor(harness: HypervisorHarness, hypervisor: Hypervisor) {
    this.harness = harness
    this.#hypervisor = hypervisor
    hypervisor.subscribe((event) => this.#events.push(event))
  }

  static async open(harness: HypervisorHarness): Promise<Host> {
    return new Host(harness, await harness.open())
  }

  get hypervisor(): Hypervisor {
    return this.#hypervisor
  }

  /** The peer dies, `meanwhile` happens, and a new peer takes its place. */
  async reopen(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#hypervisor.close()
    await meanwhile()
    this.#hypervisor = await this.harness.open()
    this.#hypervisor.subscribe((event) => this.#events.push(event))
  }

  spec(behaviour: GuestBehaviour, change: Partial<GuestSpec> = {}): GuestSpec {
    const spec = { ...this.harness.spec(behaviour), ...change }
    this.#ids.push(spec.id)
    return spec
  }

  /** The spec of a broken guest with what it lacks. */
  mended(spec: GuestSpec): GuestSpec {
    return { ...this.harness.spec('obedient'), id: spec.id }
  }

  async start(behaviour: GuestBehaviour, change: Partial<GuestSpec> = {}): Promise<GuestSpec> {
    const spec = this.spec(behaviour, change)
    await this.#hypervisor.start(spec)
    return spec
  }

  async state(id: string): Promise<GuestState | undefined> {
    return (await this.#hypervisor.list()).find((state) => state.id === id)
  }

  async kill(id: string): Promise<void> {
    const state = await this.state(id)
    assert.ok(state?.pid, 'only a running guest can be killed')
    await this.harness.kill(state)
  }

  /** How often the console shows a finished boot. */
  async boots(id: string): Promise<number> {
    return (await this.#hypervisor.consoleOutput(id)).split(this.harness.bootedText).length - 1
  }

  async waitForBoots(id: string, count: number): Promise<void> {
    await this.#eventually(`boot number ${count}`, async () => (await this.boots(id)) >= count)
  }

  async waitForPower(id: string, power: GuestState['power']): Promise<void> {
    await this.#eventually(`power ${power}`, async () => (await this.state(id))?.power === power)
  }

  async waitForEvent(id: string, kind: GuestEvent['kind']): Promise<void> {
    await this.#eventually(`event ${kind}`, async () => this.kindsOf(id).includes(kind))
  }

  kindsOf(id: string): readonly GuestEvent['kind'][] {
    return this.#events.filter((event) => event.id === id).map(({ kind }) => kind)
  }

  async cleanUp(): Promise<void> {
    for (const id of this.#ids) await this.#hypervisor.destroy(id)
    await this.#hypervisor.close()
  }

  async #eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
    const { clock } = this.harness
    const untilMs = clock.monotonicMs() + WAIT_MS_MAX
    while (!(await condition())) {
      assert.ok(clock.monotonicMs() < untilMs, `waited in vain for ${what}`)
      await sleep(clock, POLL_INTERVAL_MS)
    }
  }
}
