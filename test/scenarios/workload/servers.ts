/** What clients do with servers: make, start and stop, rename, show and list them. */

import { pick, siteCodeOf } from '@atoll/kit'
import { bodyText, listIn, objectIn } from '../client.ts'
import type { ServerThing } from '../model.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Actor } from './actor.ts'
import type { Operation } from './operations.ts'

const COMPUTE = '/compute/v2.1'
/** The oldest microversion in which a server says of itself that it is UNKNOWN and must name its networks. */
const MICROVERSION = { 'openstack-api-version': 'compute 2.69' }

export interface ServerRequest {
  readonly projectIndex: number
  readonly network: { readonly uuid: string } | { readonly port: string }
  readonly zone?: string | undefined
  /** Default: any. */
  readonly flavorId?: string
  /** Whom to ask; default: any. */
  readonly site?: SimulatedSite
}

/** Asks for a server; undefined unless that was acknowledged. */
export async function requestServer(
  actor: Actor,
  { projectIndex, network, zone, flavorId, site }: ServerRequest,
): Promise<ServerThing | undefined> {
  const { estate, random } = actor
  const flavorRef = flavorId ?? pick(random, estate.flavorIds)
  const zoned = zone === undefined ? {} : { availability_zone: zone }
  const server = await actor.create(
    'server',
    (name) => ({
      method: 'POST',
      path: `${COMPUTE}/servers`,
      token: actor.tenant(projectIndex).token,
      headers: MICROVERSION,
      body: { server: { name, flavorRef, imageRef: estate.imageId, networks: [network], ...zoned } },
    }),
    (reply) => {
      const id = String(objectIn(reply, 'server').id)
      const asked = { stopsAsked: 0, startsAsked: 0, rebootsAsked: 0 }
      return { id, path: `${COMPUTE}/servers/${id}`, projectIndex, power: 'running', ...asked }
    },
    site,
  )
  return server as ServerThing | undefined
}

export async function changePower(actor: Actor, action: 'os-start' | 'os-stop' | 'reboot'): Promise<void> {
  const server = actor.anyIdle('server') as ServerThing | undefined
  if (!server) return
  await actor.exclusively(server, async () => {
    const before = server.power
    if (action === 'os-start') server.startsAsked++
    else server.stopsAsked++
    if (action === 'reboot') {
      server.startsAsked++
      server.rebootsAsked++
    }
    const { outcome } = await actor.ask({
      method: 'POST',
      path: `${server.path}/action`,
      token: actor.tenant(server.projectIndex).token,
      body: { [action]: action === 'reboot' ? { type: actor.chance(0.5) ? 'SOFT' : 'HARD' } : null },
    })
    // What was asked without an answer may come later than what is asked now.
    if (outcome === 'done' && before !== undefined)
      server.power = action === 'os-stop' ? 'stopped' : 'running'
    if (outcome === 'unknown') server.power = undefined
  })
}

export const renameServer: Operation = async (actor) => {
  const server = actor.anyIdle('server')
  if (!server) return
  const { token } = actor.tenant(server.projectIndex)
  await actor.rename(server, (name) => ({
    method: 'PUT',
    path: server.path,
    token,
    body: { server: { name } },
  }))
}

export const showServer: Operation = async (actor) => {
  const server = actor.anyIdle('server')
  if (!server) return
  await actor.ask({ method: 'GET', path: server.path, token: actor.tenant(server.projectIndex).token })
}

/** After so much silence a site is unreachable, however slow the links to it have been. */
export const SILENCE_MS = 8000

/** Lists all servers of the cloud at a site, any by default; answers with their status by id. */
export async function listServers(
  actor: Actor,
  site: SimulatedSite = actor.anySite(),
): Promise<ReadonlyMap<string, string>> {
  const { cloud, model, estate } = actor
  const { clock } = cloud.simulation
  const askedMs = clock.monotonicMs()
  const path = `${COMPUTE}/servers/detail?all_tenants=1`
  const { reply } = await actor.ask(
    { method: 'GET', path, token: estate.adminToken, headers: MICROVERSION },
    site,
  )
  if (reply.kind === 'lost') return new Map()
  if (reply.status !== 200)
    throw new Error(`a list of servers was answered ${reply.status}: ${bodyText(reply)}`)
  // Reads take no simulated time here: whatever waits, waits for another site.
  const tookMs = clock.monotonicMs() - askedMs
  if (tookMs > 0) throw new Error(`a list of servers waited for ${tookMs} ms`)
  const shown = new Map(listIn(reply, 'servers').map(({ id, status }) => [String(id), String(status)]))
  for (const [id, status] of shown) {
    // Of a site that was given up, another one has the records.
    const home = cloud.sites.find(({ code }) => code === siteCodeOf(id))?.name
    if (home === undefined) continue
    const pair = { asking: site.name, answering: home }
    if (status !== 'UNKNOWN' && cloud.isSilent(pair, SILENCE_MS))
      throw new Error(
        `server ${id} is ${status} at ${site.name}, which has not heard of ${home} for ${cloud.silenceMs(pair)} ms`,
      )
  }
  for (const id of model.seenAt(site.name)) {
    if (!shown.has(id) && model.server(id)?.deletion === 'no')
      throw new Error(`server ${id} has vanished from the list at ${site.name}`)
  }
  model.see(site.name, shown.keys())
  return shown
}

export const listAllServers: Operation = async (actor) => {
  await listServers(actor)
}
