/**
 * One site has no way to the others for 72 hours, and people work on both sides. Tokens expire, revocations are forgotten,
 * and what was deleted must be known as that to whoever comes back.
 *
 * Of each hour a few seconds pass and the rest is leapt over, as if every machine were suspended: by the time of day it is
 * three days, while what happens every second happens some thousand times. With a number of minutes nothing is leapt over.
 */

import assert from 'node:assert/strict'
import { pick } from '@atoll/kit'
import type { RecordRow } from '../invariants/tables.ts'
import type { ServerThing } from '../model.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Stage } from '../stage.ts'
import type { Island } from '../workload/islands.ts'
import { SILENCE_MS } from '../workload/servers.ts'
import { prepareSites } from './preparations.ts'
import type { ScenarioKind } from './scenario-kind.ts'

const HOUR_MS = 3_600_000
const SETTLED = 0
/** Of each hour, what passes, and what is leapt over. */
const HOURS: Rounds = { count: 72, passMs: 15_000, leapMs: HOUR_MS - 15_000, operations: 2 }
/** Without leaps: short enough for a token to last. */
const ROUND_MS = 5 * 60_000
/** A token's life, and a little for the clocks. */
const TOKEN_MS_MAX = HOUR_MS + 60_000
/** After so long, whoever forgets revocations has looked again. */
const FORGETTING_MS = 11 * 60_000
/** In how many rounds a peer dies. */
const CRASH_CHANCE = 12

interface Rounds {
  readonly count: number
  readonly passMs: number
  readonly leapMs: number
  readonly operations: number
}

export const longCut: ScenarioKind = {
  name: 'cloud-long-cut',
  play: async (stage, { workload, hasFaults = true, minutes }) => {
    const { cloud, simulation, random, actor } = stage
    const rounds = minutes === undefined ? HOURS : straight(minutes)
    const survivors = await prepareSites(stage, SETTLED)
    const lonely = pick(random, cloud.sites)
    const sides: readonly Island[] = [[lonely], cloud.sites.filter((site) => site !== lonely)]
    const early = await simulation.finish(actor.login(lonely))
    const token = early.reply.kind === 'answered' ? String(early.reply.headers['x-subject-token']) : ''
    const startMs = simulation.clock.nowMs()
    const history: Moment[] = []
    cloud.split(sides)
    await simulation.pass(2 * SILENCE_MS)
    await deleteOneEach(stage, sides, survivors)
    for (let round = 0; round < rounds.count; round++) {
      history.push({ monotonicMs: simulation.clock.monotonicMs(), nowMs: simulation.clock.nowMs() })
      if (hasFaults && random.below(CRASH_CHANCE) === 0) await restart(stage)
      await workAt(stage, pick(random, pick(random, sides)), { ...rounds, ...(workload ? { workload } : {}) })
      simulation.clock.leap(rounds.leapMs)
    }
    if (simulation.clock.nowMs() - startMs > TOKEN_MS_MAX) await checkExpired(stage, token)
    for (const side of sides) await simulation.finish(actor.login(pick(random, side)))
    checkForgotten(stage, history)
    actor.sites = cloud.sites
    await simulation.finish(actor.renewTokens(lonely))
    cloud.healNetwork()
  },
}

interface Moment {
  readonly monotonicMs: number
  readonly nowMs: number
}

function straight(minutes: number): Rounds {
  const count = Math.max(1, Math.ceil((minutes * 60_000) / ROUND_MS))
  return { count, passMs: ROUND_MS, leapMs: 0, operations: 4 }
}

/** Each side deletes a server that the other one knows: it must hear of that, however late. */
async function deleteOneEach(
  stage: Stage,
  sides: readonly Island[],
  survivors: ReadonlyMap<SimulatedSite, ServerThing>,
): Promise<void> {
  const { actor, simulation, random } = stage
  for (const side of sides) {
    const site = pick(random, side)
    const server = survivors.get(site)
    assert.ok(server, `there is a server at ${site.name}`)
    actor.sites = [site]
    await simulation.finish(actor.remove(server, actor.tenant(SETTLED).token))
    assert.equal(server.deletion, 'yes', `server ${server.id} cannot be deleted at ${site.name}`)
  }
}

/** Some clients come to one site, log in there, and go. */
async function workAt(
  stage: Stage,
  site: SimulatedSite,
  { passMs, ...work }: Rounds & Pick<Parameters<Stage['work']>[0], 'workload'>,
): Promise<void> {
  const { actor, simulation } = stage
  const endMs = simulation.clock.monotonicMs() + passMs
  actor.sites = [site]
  await simulation.finish(actor.renewTokens(site))
  await stage.work({ ...work, pauseMs: passMs / 4 / work.operations })
  await stage.hearAnswers()
  await simulation.pass(Math.max(0, endMs - simulation.clock.monotonicMs()))
}

async function restart({ cloud, random, simulation }: Stage): Promise<void> {
  const site = pick(random, cloud.sites)
  if (random.below(2) === 0) site.crash()
  else site.losePower()
  await simulation.finish(site.start())
}

/** @throws AssertionError when a token is still taken anywhere */
async function checkExpired({ actor, cloud, simulation }: Stage, token: string): Promise<void> {
  for (const site of cloud.sites) {
    const asked = actor.ask({ method: 'GET', path: '/compute/v2.1/servers', token }, site)
    const { reply } = await simulation.finish(asked)
    const status = reply.kind === 'answered' ? reply.status : 'nothing'
    assert.equal(status, 401, `a token that has expired is answered with ${status} at ${site.name}`)
  }
}

/** @throws AssertionError when a site keeps a revocation of tokens that expired before it last looked */
function checkForgotten({ simulation, tables }: Stage, history: readonly Moment[]): void {
  const lookedMs = simulation.clock.monotonicMs() - FORGETTING_MS
  const moment = history.findLast(({ monotonicMs }) => monotonicMs <= lookedMs)
  if (!moment) return
  for (const site of tables) {
    const stale: RecordRow | undefined = site
      .own('revocations')
      .find((row) => Number(row.expires_at_ms) < moment.nowMs)
    assert.equal(stale, undefined, `${site.site} keeps revocation ${stale?.id} of what has long expired`)
  }
}
