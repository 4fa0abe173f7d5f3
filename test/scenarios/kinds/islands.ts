/**
 * The cloud falls into two or three groups of sites for minutes, each of which is a cloud of its own meanwhile: people log
 * in, make servers and see them run, and lists say what nobody there can know. Then all are one again.
 */

import assert from 'node:assert/strict'
import { pick, siteCodeOf } from '@atoll/kit'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Stage } from '../stage.ts'
import { Faults } from '../workload/faults.ts'
import { type Island, splitIntoIslands } from '../workload/islands.ts'
import { listServers, SILENCE_MS } from '../workload/servers.ts'
import { becomesActive, makeServerAt, prepareSites } from './preparations.ts'
import type { ScenarioKind } from './scenario-kind.ts'

const OPERATIONS = 120
const MINUTES_MAX = 6
/** Of the estate: one has a server at each site before the cut, the other uses what each site has at hand in the cut. */
const [SETTLED, NEWCOMER] = [0, 1]
const FAULT_INTERVAL_MS = 20_000

export const islands: ScenarioKind = {
  name: 'cloud-islands',
  play: async (stage, { operations = OPERATIONS, workload, hasFaults = true, minutes }) => {
    const { cloud, simulation, random } = stage
    const durationMs = 60_000 * (minutes ?? 1 + random.below(MINUTES_MAX))
    await prepareSites(stage, SETTLED)
    const parts = splitIntoIslands(random, cloud.sites)
    cloud.split(parts)
    // Every site has noticed: whatever was on its way has come or is lost.
    await simulation.pass(2 * SILENCE_MS)
    for (const island of parts) await checkIsACloud(stage, island)
    const faults = new Faults({
      cloud,
      random: simulation.random('faults'),
      intervalMs: FAULT_INTERVAL_MS,
      where: 'at sites',
    })
    // Some seeds have peers that die and sites without power on top, and in some only the sea is in the way.
    if (hasFaults && random.below(2) === 0) faults.start()
    await stage.work({ operations, pauseMs: durationMs / operations, ...(workload ? { workload } : {}) })
    await simulation.finish(faults.stop())
  },
}

/** @throws AssertionError unless clients of an island can do what clients of a cloud can */
async function checkIsACloud(stage: Stage, island: Island): Promise<void> {
  const { actor, simulation } = stage
  for (const site of island) {
    // Both are checked by the operation itself: the password against the replica here, and the list for what it hides.
    await simulation.finish(actor.login(site))
    checkShown(island, site, await simulation.finish(listServers(actor, site)))
  }
  const site = pick(stage.random, island)
  const server = await makeServerAt(stage, site, NEWCOMER)
  await becomesActive(stage, server, site)
  assert.equal(siteCodeOf(server.id), site.code, `server ${server.id} was made at another site than asked`)
}

/** @throws AssertionError unless exactly the servers of other islands are UNKNOWN */
function checkShown(island: Island, site: SimulatedSite, shown: ReadonlyMap<string, string>): void {
  for (const [id, status] of shown) {
    const isHere = island.some(({ code }) => code === siteCodeOf(id))
    assert.equal(
      status === 'UNKNOWN',
      !isHere,
      `server ${id} of ${isHere ? 'this' : 'another'} island is ${status} at ${site.name}`,
    )
  }
  assert.ok(shown.size >= island.length, `${site.name} does not show the servers of its island`)
}
