/**
 * A site goes to sleep, as a boat does when its engine stops for the night: its operator says so, the power goes, and the
 * others neither miss it nor send it anything. It starts again before its way to the others is back, and wakes.
 */

import assert from 'node:assert/strict'
import { pick, siteCodeOf } from '@atoll/kit'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Stage } from '../stage.ts'
import { Faults } from '../workload/faults.ts'
import { listServers, requestServer, SILENCE_MS } from '../workload/servers.ts'
import { FLAVORS } from '../workload/tenants.ts'
import { findGuestless, prepareSites } from './preparations.ts'
import type { ScenarioKind } from './scenario-kind.ts'

const OPERATIONS = 60
const MINUTES_MAX = 5
const [SETTLED, NEWCOMER] = [0, 1]
const FAULT_INTERVAL_MS = 20_000

/** `interrupted`: the power goes before the site has said that it sleeps. `unheard`: it says so while nobody can hear. */
const COURSES = ['orderly', 'orderly', 'interrupted', 'unheard'] as const

/** More than the quarters of a site's hosts that the first servers leave. */
const SERVERS_ASKED_FOR = 8
/** All that a site does to be heard again by those who rarely ask. */
const HEARD_MS_MAX = 30_000
/** From the power until guests run: the peer's start, and the boots. */
const START_MS_MAX = 90_000
/** Those who know that a site sleeps ask it twice a minute and a few times at the beginning. */
const LOOK_INTERVAL_MS_MIN = 15_000
const LOOKS_AT_FIRST = 15

export const sleep: ScenarioKind = {
  name: 'cloud-sleep',
  play: async (stage, { operations = OPERATIONS, workload, hasFaults = true, minutes }) => {
    const { cloud, simulation, random } = stage
    const durationMs = 60_000 * (minutes ?? 1 + random.below(MINUTES_MAX))
    await prepareSites(stage, SETTLED)
    const sleeper = pick(random, cloud.sites)
    const others = cloud.sites.filter((site) => site !== sleeper)
    const course = pick(random, COURSES)
    simulation.note(`${sleeper.name} sleeps: ${course}`)
    const isKnown = await fallAsleep(stage, { sleeper, others, course })
    if (isKnown) await checkNothingIsOffered(stage, sleeper, pick(random, others))
    sleeper.losePower()
    cloud.healNetwork()
    const faults = new Faults({
      ...{ cloud, random: simulation.random('faults'), intervalMs: FAULT_INTERVAL_MS },
      ...({ where: 'at sites', sites: others } as const),
    })
    const areOthersWell = !hasFaults || random.below(2) === 0
    if (!areOthersWell) faults.start()
    const watch = new Watch(stage, sleeper, others)
    await stage.work({ operations, pauseMs: durationMs / operations, ...(workload ? { workload } : {}) })
    await simulation.finish(faults.stop())
    if (isKnown && areOthersWell) watch.checkRarelyAsked()
    await simulation.pass(2 * SILENCE_MS)
    for (const site of others) await watch.checkShown(site)
    await comeBack(stage, sleeper, others)
  },
}

/** Answers whether the others know. */
async function fallAsleep(
  stage: Stage,
  options: { sleeper: SimulatedSite; others: readonly SimulatedSite[]; course: (typeof COURSES)[number] },
): Promise<boolean> {
  const { simulation, random, cloud } = stage
  const { sleeper, others, course } = options
  if (course === 'unheard') {
    cloud.split([[sleeper], others])
    await simulation.pass(2 * SILENCE_MS)
    assert.deepEqual(await simulation.finish(sleeper.sleep()), [], 'a site waits for those it cannot reach')
    return false
  }
  if (course === 'interrupted') {
    const asleep = sleeper.sleep()
    await simulation.pass(random.below(40))
    if (random.below(2) === 0) sleeper.crash()
    else sleeper.losePower()
    await simulation.finish(asleep)
    await simulation.pass(random.below(10_000))
    await simulation.finish(sleeper.start())
    // It may be asleep, or not, and others may have heard of it, or not: its operator says it again.
    await stage.until('all reach all', HEARD_MS_MAX, () => cloud.findEstranged())
  }
  assert.deepEqual(
    await simulation.finish(sleeper.sleep()),
    [],
    'the others have not heard that a site sleeps',
  )
  for (const { name, peer } of others)
    assert.equal(peer?.federation.directory.find(sleeper.name)?.standing, 'dormant', `at ${name}`)
  return true
}

/** Asks another site for more than that has room for: the rest may go anywhere but to who sleeps. @throws AssertionError */
async function checkNothingIsOffered(
  stage: Stage,
  sleeper: SimulatedSite,
  site: SimulatedSite,
): Promise<void> {
  const { actor, simulation } = stage
  const network = { uuid: actor.tenant(NEWCOMER).networkId }
  const request = { projectIndex: NEWCOMER, network, flavorId: FLAVORS[1].id, site }
  for (let asked = 0; asked < SERVERS_ASKED_FOR; asked++) {
    const server = await simulation.finish(requestServer(actor, request))
    if (server)
      assert.notEqual(
        siteCodeOf(server.id),
        sleeper.code,
        `server ${server.id} was placed at ${sleeper.name}, which sleeps`,
      )
  }
}

/** What the others think of the sleeper, and how often they look. */
class Watch {
  readonly #stage: Stage
  readonly #sleeper: SimulatedSite
  readonly #others: readonly SimulatedSite[]
  readonly #startMs: number
  readonly #looks: ReadonlyMap<string, number>

  constructor(stage: Stage, sleeper: SimulatedSite, others: readonly SimulatedSite[]) {
    this.#stage = stage
    this.#sleeper = sleeper
    this.#others = others
    this.#startMs = stage.simulation.clock.monotonicMs()
    this.#looks = new Map(others.map(({ name }) => [name, stage.cloud.looks(name, sleeper.name)]))
  }

  checkRarelyAsked(): void {
    const { cloud, simulation } = this.#stage
    const elapsedMs = simulation.clock.monotonicMs() - this.#startMs
    const looksMax = LOOKS_AT_FIRST + elapsedMs / LOOK_INTERVAL_MS_MIN
    for (const { name } of this.#others) {
      const looks = cloud.looks(name, this.#sleeper.name) - (this.#looks.get(name) ?? 0)
      assert.ok(looks <= looksMax, `${name} asked ${this.#sleeper.name}, which sleeps, ${looks} times`)
    }
  }

  /** Nothing of the sleeper is hidden, and nothing of it passes for known. */
  async checkShown(site: SimulatedSite): Promise<void> {
    const { actor, simulation } = this.#stage
    const shown = await simulation.finish(listServers(actor, site))
    const ofSleeper = [...shown].filter(([id]) => siteCodeOf(id) === this.#sleeper.code)
    for (const [id, status] of ofSleeper) assert.equal(status, 'UNKNOWN', `server ${id} at ${site.name}`)
  }
}

/** The power is back before the way to the others: guests do not wait for it. */
async function comeBack(
  stage: Stage,
  sleeper: SimulatedSite,
  others: readonly SimulatedSite[],
): Promise<void> {
  const { simulation, cloud } = stage
  const standings = (wanted: string) => () => {
    const other = others.find(
      ({ peer }) => peer?.federation.directory.find(sleeper.name)?.standing !== wanted,
    )
    return other && `to ${other.name} it is not ${wanted}`
  }
  cloud.split([[sleeper], others])
  await simulation.finish(sleeper.start())
  await stage.until('guests run again at a site that is alone', START_MS_MAX, () =>
    findGuestless(stage, sleeper),
  )
  cloud.healNetwork()
  await stage.until(`all know that ${sleeper.name} sleeps`, HEARD_MS_MAX, standings('dormant'))
  assert.ok(await simulation.finish(sleeper.wake()), `${sleeper.name} does not wake`)
  await stage.until(`all know that ${sleeper.name} is awake`, HEARD_MS_MAX, standings('member'))
}
