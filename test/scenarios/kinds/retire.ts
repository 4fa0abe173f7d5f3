/**
 * A site is lost for good, and an operator retires it: another one becomes the home of what it had. In some seeds the heir
 * dies in the midst of that, and in some the lost site was only cut off, works on, and comes back to find itself shut out.
 */

import assert from 'node:assert/strict'
import { pick, siteCodeOf } from '@atoll/kit'
import { jsonOf, objectIn } from '../client.ts'
import type { Thing } from '../model.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Stage } from '../stage.ts'
import { createUser, tokenFor } from '../workload/operations.ts'
import { SILENCE_MS } from '../workload/servers.ts'
import { prepareSites } from './preparations.ts'
import type { ScenarioKind } from './scenario-kind.ts'

const OPERATIONS = 30
const PAUSE_MS = 300
const SETTLED = 0
/** Until a retirement has spread, and everything has a new home, also when the heir died on the way. */
const ADOPTION_MS_MAX = 120_000
/** In which the heir may die. */
const CRASH_MS_MAX = 8000
/** What a site that was retired may try when it is back. */
const RETURN_MS = 20_000

/** How each kind of thing gets another name, as its home alone can give it. */
const RENAMES: Partial<Record<Thing['kind'], readonly [method: 'PUT' | 'PATCH', body: string]>> = {
  port: ['PUT', 'port'],
  network: ['PUT', 'network'],
  user: ['PATCH', 'user'],
  project: ['PATCH', 'project'],
}

export const retire: ScenarioKind = {
  name: 'cloud-retire',
  play: async (stage, { operations = OPERATIONS, workload, hasFaults = true }) => {
    const { cloud, simulation, random, actor } = stage
    const work = { operations, pauseMs: PAUSE_MS, ...(workload ? { workload } : {}) }
    await simulation.finish(trustAll(stage))
    await prepareSites(stage, SETTLED)
    await stage.work(work)
    await stage.hearAnswers()
    // What nobody else has heard of is lost with its home, and promised to nobody.
    await stage.converge()
    const lost = pick(random, cloud.sites)
    const others = cloud.sites.filter((site) => site !== lost)
    const isOnlyCutOff = random.below(3) === 0
    simulation.note(`${lost.name} is lost${isOnlyCutOff ? ', but not its power' : ''}`)
    cloud.split([[lost], others])
    if (!isOnlyCutOff) lost.losePower()
    cloud.giveUp(lost)
    actor.sites = others
    await simulation.pass(2 * SILENCE_MS)
    const operator = pick(random, others)
    const heir = cloud.site((await simulation.finish(operator.retire(lost.name))) ?? '')
    assert.notEqual(heir, lost, 'nobody inherits from himself')
    simulation.note(`${heir.name} inherits`)
    if (hasFaults && random.below(2) === 0) await die(stage, heir)
    await stage.until(`${heir.name} has taken over what ${lost.name} had`, ADOPTION_MS_MAX, () =>
      findLeft(stage, lost),
    )
    await simulation.finish(actor.renewTokens(operator))
    forgetBytes(stage, lost)
    for (const thing of thingsOf(stage, lost)) await checkWritable(stage, thing)
    await checkUnique(stage, pick(random, others))
    await stage.work(work)
    await stage.hearAnswers()
    if (isOnlyCutOff) await comeBack(stage, lost)
    cloud.healNetwork()
  },
}

/** As the operator of a cloud should while all is well: without that, only the founder could ever retire a site. */
async function trustAll({ actor, cloud }: Stage): Promise<void> {
  const sites = cloud.sites.map(({ name }) => name)
  const { outcome } = await actor.ask(
    {
      method: 'PATCH',
      path: '/identity/v3/domains/default',
      token: actor.estate.adminToken,
      body: { domain: { sites } },
    },
    cloud.founder,
  )
  assert.equal(outcome, 'done', 'the founder cannot say whom it trusts')
}

async function die({ simulation, random }: Stage, heir: SimulatedSite): Promise<void> {
  await simulation.pass(random.below(CRASH_MS_MAX))
  if (random.below(2) === 0) heir.crash()
  else heir.losePower()
  await simulation.pass(random.below(CRASH_MS_MAX))
  await simulation.finish(heir.start())
}

/** What still has its home at the lost site, anywhere, but for the record by which what it signed is judged. */
function findLeft({ tables }: Stage, lost: SimulatedSite): string | undefined {
  for (const site of tables) {
    for (const table of site.recordTables) {
      const rows = site.records(table).filter((row) => row.home === lost.name && row.deleted_at === null)
      if (table !== 'sites' && rows[0]) return `${table} ${rows[0].id} at ${site.site}`
    }
    // What it had borrowed is its heir's, too.
    const part = site
      .own('shares')
      .find((row) => row.borrower === lost.name && (Number(row.amount) !== 0 || row.ranges !== '[]'))
    if (part) return `a part of ${String(part.resource)} that ${site.site} had lent`
  }
  return undefined
}

function thingsOf({ actor }: Stage, lost: SimulatedSite): readonly Thing[] {
  return actor.model.things.filter(
    ({ id, deletion, kind }) =>
      deletion === 'no' && siteCodeOf(id) === lost.code && RENAMES[kind] !== undefined,
  )
}

/** The bytes of images that only the lost site had are lost. */
function forgetBytes({ actor }: Stage, lost: SimulatedSite): void {
  for (const id of actor.model.uploads.keys())
    if (siteCodeOf(id) === lost.code) actor.model.uploads.delete(id)
}

/** @throws AssertionError unless any site gives a thing of the lost one another name */
async function checkWritable({ actor, simulation }: Stage, thing: Thing): Promise<void> {
  const [method, key] = RENAMES[thing.kind] ?? ['PUT', thing.kind]
  const before = thing.names
  const request = (name: string) => ({
    method,
    path: thing.path,
    token: tokenFor(actor, thing),
    body: { [key]: { name } },
  })
  await simulation.finish(actor.rename(thing, request))
  assert.notDeepEqual(thing.names, before, `${thing.kind} ${thing.id} cannot be written at its new home`)
  assert.equal(thing.names.length, 1, `nobody can say whether ${thing.kind} ${thing.id} was written`)
}

/** What the whole cloud names uniquely has a keeper, also when the founder is lost. @throws AssertionError */
async function checkUnique({ actor, simulation }: Stage, site: SimulatedSite): Promise<void> {
  const before = actor.model.things.length
  actor.sites = [site]
  await simulation.finish(createUser(actor))
  actor.sites = actor.cloud.sites
  assert.equal(actor.model.things.length, before + 1, `${site.name} cannot make a user`)
}

/** The site that was retired writes, is back on the network, and nobody hears it. */
async function comeBack(stage: Stage, lost: SimulatedSite): Promise<void> {
  const { cloud, simulation, actor } = stage
  const thing = thingsOf(stage, lost).find(({ kind }) => kind === 'port' || kind === 'network')
  if (thing) {
    const token = tokenFor(actor, thing)
    const body = { [thing.kind]: { name: 'written by who was retired' } }
    const { reply } = await simulation.finish(
      actor.ask({ method: 'PUT', path: thing.path, token, body }, lost),
    )
    // It may not even know the token, which another site has issued since.
    if (reply.kind === 'answered' && reply.status === 200)
      assert.equal(objectIn(reply, thing.kind).name, 'written by who was retired')
    else simulation.note(`${lost.name} refuses its clients`, JSON.stringify(jsonOf(reply)))
  }
  cloud.healNetwork()
  await simulation.pass(RETURN_MS)
  for (const { name, peer } of cloud.sites)
    assert.ok(peer?.federation.directory.isRevoked(lost.name), `${name} takes ${lost.name} for a member`)
  lost.losePower()
}
