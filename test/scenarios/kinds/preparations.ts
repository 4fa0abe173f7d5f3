/** What several kinds of scenario begin with: sites that have something to lose, and something at hand. */

import assert from 'node:assert/strict'
import { objectIn } from '../client.ts'
import { runs } from '../invariants/guests.ts'
import type { ServerThing } from '../model.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Stage } from '../stage.ts'
import { requestServer } from '../workload/servers.ts'
import { FLAVORS } from '../workload/tenants.ts'

/** Several rounds of whoever borrows in advance. */
const BORROWING_MS_MAX = 60_000
const START_MS_MAX = 90_000

/**
 * Waits until every site holds a little of every tenant's quota and addresses, and makes a server of one tenant at each,
 * so that the image is there, too. Answers with the servers.
 */
export async function prepareSites(
  stage: Stage,
  projectIndex: number,
): Promise<ReadonlyMap<SimulatedSite, ServerThing>> {
  await stage.until('every site has borrowed', BORROWING_MS_MAX, () => findLacking(stage))
  const servers = new Map<SimulatedSite, ServerThing>()
  for (const site of stage.cloud.sites) servers.set(site, await makeServerAt(stage, site, projectIndex))
  for (const [site, server] of servers) await becomesActive(stage, server, site)
  await stage.converge()
  return servers
}

/** Asks a site for the smallest server, there. @throws AssertionError unless that is acknowledged */
export async function makeServerAt(
  stage: Stage,
  site: SimulatedSite,
  projectIndex: number,
): Promise<ServerThing> {
  const { actor, simulation } = stage
  const network = { uuid: actor.tenant(projectIndex).networkId }
  const request = { projectIndex, network, zone: site.name, flavorId: FLAVORS[0].id, site }
  const server = await simulation.finish(requestServer(actor, request))
  assert.ok(server, `${site.name} has not made a server although it has all that this takes`)
  return server
}

/** Waits until a site shows a server as ACTIVE. @throws AssertionError */
export async function becomesActive(stage: Stage, server: ServerThing, site: SimulatedSite): Promise<void> {
  await stage.until(`server ${server.id} is ACTIVE at ${site.name}`, START_MS_MAX, () => {
    const row = stage.tables
      .find((tables) => tables.site === site.name)
      ?.own('servers')
      .find(({ id }) => id === server.id)
    return row?.vm_state === 'active' ? undefined : `it is ${String(row?.vm_state)}`
  })
  const token = stage.actor.tenant(server.projectIndex).token
  const asked = stage.actor.ask({ method: 'GET', path: server.path, token }, site)
  const { reply } = await stage.simulation.finish(asked)
  assert.equal(objectIn(reply, 'server').status, 'ACTIVE', `server ${server.id} at ${site.name}`)
}

/** The first site that was not yet lent what every site should have at hand. */
function findLacking(stage: Stage): string | undefined {
  const { tenants } = stage.actor.estate
  for (const { site } of stage.tables) {
    const lent = new Set(
      stage.tables.flatMap((lender) =>
        lender
          .own('shares')
          .filter(({ borrower }) => borrower === site)
          .map(({ resource }) => String(resource)),
      ),
    )
    for (const { projectId } of tenants)
      for (const what of ['instances', 'cores', 'ram'])
        if (!lent.has(`quota_${what}:${projectId}`)) return `${site} holds no ${what} of ${projectId}`
  }
  return undefined
}

/** The first server of a site that should run and does not; undefined when all do. */
export function findGuestless({ tables }: Stage, { name, machines }: SimulatedSite): string | undefined {
  const servers = tables.find(({ site }) => site === name)?.own('servers') ?? []
  const missing = servers.find(
    ({ id, intent, vm_state }) =>
      intent === 'running' && vm_state !== 'error' && !machines.some((machine) => runs(machine, id)),
  )
  return missing && `server ${missing.id} is ${String(missing.vm_state)}`
}
