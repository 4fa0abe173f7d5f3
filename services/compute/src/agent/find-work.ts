/** Compares all servers with all guests of some hosts, and names those that differ. Reads page by page, and writes nothing. */

import type { GuestState } from '@atoll/hypervisor'
import { type Clock, type Logger, sleep } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import { servers } from '../records.ts'
import type { ComputeHost } from './host-drivers.ts'
import { planServer, type Server } from './plan-server.ts'

export interface FindWorkOptions {
  readonly state: State
  readonly hosts: ReadonlyMap<string, ComputeHost>
  readonly clock: Clock
  readonly log: Logger
}

export interface WorkFound {
  /** Of servers for which there is something to do. */
  readonly ids: readonly string[]
  /** Guests that run although their server lives elsewhere, with a higher fence. */
  readonly strays: readonly { readonly host: ComputeHost; readonly guest: GuestState }[]
}

const scope = cloudScope('compute agent')
const PAGE = 200

export async function findWork(options: FindWorkOptions): Promise<WorkFound> {
  const guests = await listGuests(options)
  const ids: string[] = []
  for await (const server of serversOf(options)) {
    const ofHost = guests.get(server.host)
    if (ofHost && planServer(server, ofHost.get(server.id)).kind !== 'none') ids.push(server.id)
    ofHost?.delete(server.id)
  }
  const strays: { host: ComputeHost; guest: GuestState }[] = []
  for (const [name, rest] of guests) {
    const host = options.hosts.get(name)
    for (const guest of rest.values()) {
      const kind = await judge(guest, name, options)
      if (kind === 'deleted') ids.push(guest.id)
      else if (kind === 'elsewhere' && host) strays.push({ host, guest })
    }
  }
  return { ids, strays }
}

/** By host and id. A host that cannot be asked is left out, with all its servers, until it can. */
async function listGuests({ hosts, log }: FindWorkOptions): Promise<Map<string, Map<string, GuestState>>> {
  const guests = new Map<string, Map<string, GuestState>>()
  for (const [name, { hypervisor }] of hosts) {
    try {
      guests.set(name, new Map((await hypervisor.list()).map((guest) => [guest.id, guest])))
    } catch (error) {
      log.error({ host: name, err: error }, 'the guests of a host cannot be listed')
    }
  }
  return guests
}

async function* serversOf({ state, clock }: FindWorkOptions): AsyncGenerator<Server> {
  for (let after = ''; ; ) {
    const page: readonly Server[] = await state
      .select(scope, servers)
      .selectAll()
      .where('home', '=', state.site.name)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    yield* page
    if (page.length < PAGE) return
    // An embedded store answers without a pause: requests must have their turn.
    await sleep(clock, 0)
    after = page.at(-1)?.id ?? ''
  }
}

/** What is to become of a guest that is not the one of a server of this host. */
async function judge(
  { id, fence, power }: GuestState,
  host: string,
  { state, log }: FindWorkOptions,
): Promise<'alone' | 'deleted' | 'elsewhere'> {
  const server = await state
    .selectWithTombstones(scope, servers)
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (!server) {
    // A record that is merely missing proves nothing: the store may have been restored from a backup.
    log.warn({ guest: id, host }, 'a guest of no known server is left alone')
    return 'alone'
  }
  if (server.deleted_at !== null) return server.host === host ? 'deleted' : 'alone'
  const isElsewhere = server.host !== host || !state.isKeptHere(server)
  const isUp = power === 'running' || power === 'paused'
  return isElsewhere && isUp && server.fence > fence ? 'elsewhere' : 'alone'
}
