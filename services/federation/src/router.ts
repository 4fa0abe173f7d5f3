/** Sends each write to the home of what it writes, as it came: same path, same token, same body. */

import { Readable } from 'node:stream'
import {
  NO_ROOM,
  type RequestRouter,
  type RoutedReply,
  type RoutedRequest,
  STAND_IN_HEADER,
  type Writes,
} from '@atoll/http'
import type { Clock } from '@atoll/kit'
import { endToEndHeaders, mayHaveBeenDone, type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import type { SiteNames, State } from '@atoll/state'
import type { Directory } from './directory.ts'
import { HomeUnreachable, ProjectUnreachable, TooManyHops, ZoneOutsideProject } from './errors.ts'
import type { FeedWaiter } from './feed-waiter.ts'
import type { Freshness } from './freshness.ts'
import { homeOf } from './home-of.ts'
import type { Capacity } from './overlay/feed-heads.ts'
import type { ProjectSites } from './project-sites.ts'

/** Counts how often a request was forwarded: a record whose home is just moving may need two. */
export const HOPS_HEADER = 'atoll-hops'
const HOPS_MAX = 3

/**
 * `<site>:<seq>`: in an answer, how far the feed of the home had come when it had performed a write; in a forwarded
 * request, how far that of the sender had, as what the request speaks of may be no older than that.
 */
export const SEQ_HEADER = 'atoll-seq'

/** How many sites that keep a project are asked one after the other, at most. */
const KEEPERS_MAX = 3

/** How many other places a workload is offered to, at most. */
const PLACES_MAX = 3

/** A forwarded write may take this long at the other site, beside the round trip; streams have no such limit. */
const WORK_MS = 10_000

/** What can be done here instead waits less for its home: a hash of a password, twenty times over. */
const OR_HERE_WORK_MS = 2000

export type Needs = Extract<Writes, { kind: 'workload' }>['needs']

/** Where a workload could go, from the replicas of the hosts' records. */
export interface Places {
  /** Sites that seem to have room, best first, this one left out; only reachable ones. */
  withRoom(needs: Needs, availabilityZone: string | undefined): readonly string[]
  /** The site that keeps the hosts of a zone, or undefined when no host says it belongs to it. */
  siteOfZone(availabilityZone: string): string | undefined
  /** What is free here. */
  capacity(): Capacity
}

export interface RouterOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly waiter: FeedWaiter
  readonly freshness: Pick<Freshness, 'isSilent' | 'isReachable'>
  readonly projectSites: Pick<ProjectSites, 'sitesOf'>
  readonly places: Places
  readonly clock: Clock
  /** Table and id of the record whose home keeps what the whole cloud names uniquely. */
  readonly cloudRecord: { readonly table: string; readonly id: string }
}

export class HomeRouter implements RequestRouter {
  readonly #options: RouterOptions

  constructor(options: RouterOptions) {
    this.#options = options
  }

  async route(request: RoutedRequest, writes: Writes): Promise<RoutedReply | undefined> {
    const site = await this.#siteFor(request, writes)
    if (site === undefined || site === this.#options.state.site.name) return undefined
    const isPossibleHere = writes.kind !== 'workload' && writes.orHere === true
    return isPossibleHere ? this.#forwardOrHere(request, site) : this.#forward(request, site)
  }

  /** Asks sites that keep the project, near ones first. What may have been done at one is not asked of another. */
  async routeByProject(request: RoutedRequest): Promise<RoutedReply | undefined> {
    const sites = this.#sitesOfProject(request)
    if (request.forwardedBy || sites === null || sites.includes(this.#options.state.site.name))
      return undefined
    const isStream = request.body instanceof Readable
    for (const site of this.#nearFirst(sites).slice(0, isStream ? 1 : KEEPERS_MAX)) {
      try {
        return await this.#forward(request, site, { headers: { [STAND_IN_HEADER]: 'yes' } })
      } catch (error) {
        if (!HomeUnreachable.is(error)) throw error
        const isRead = request.method === 'GET' || request.method === 'HEAD'
        if (!isRead && (error.detail as { mayHaveBeenDone: boolean }).mayHaveBeenDone) throw error
      }
    }
    throw ProjectUnreachable({ sites })
  }

  async elsewhere(request: RoutedRequest, writes: Writes): Promise<RoutedReply | undefined> {
    if (writes.kind !== 'workload') return undefined
    const sites = this.#sitesOfProject(request)
    const places = this.#options.places
      .withRoom(writes.needs, zoneOf(writes.availabilityZone))
      .filter((site) => sites === null || sites.includes(site))
    for (const site of places.slice(0, PLACES_MAX)) {
      try {
        const reply = await this.#forward(request, site)
        if (reply.headers['atoll-error'] !== NO_ROOM) return reply
        if (reply.body instanceof Readable) reply.body.destroy()
      } catch (error) {
        // A place that never heard of the request does no harm; one that may have acted must be reported.
        if (!HomeUnreachable.is(error) || (error.detail as { mayHaveBeenDone: boolean }).mayHaveBeenDone)
          throw error
      }
    }
    return undefined
  }

  /** Undefined, to perform the request here, when its home does not answer. */
  async #forwardOrHere(request: RoutedRequest, site: string): Promise<RoutedReply | undefined> {
    if (this.#options.freshness.isSilent(site)) return undefined
    try {
      return await this.#forward(request, site, { workMs: OR_HERE_WORK_MS })
    } catch (error) {
      if (!HomeUnreachable.is(error)) throw error
      return undefined
    }
  }

  async #siteFor(request: RoutedRequest, writes: Writes): Promise<string | undefined> {
    const { state, directory, places, cloudRecord } = this.#options
    if (writes.kind === 'record') return homeOf({ state, directory }, writes.table, writes.id)
    if (writes.kind === 'cloud') return homeOf({ state, directory }, cloudRecord.table, cloudRecord.id)
    const zone = zoneOf(writes.availabilityZone)
    if (request.forwardedBy || zone === undefined) return undefined
    const site = places.siteOfZone(zone)
    const sites = this.#sitesOfProject(request)
    if (site !== undefined && sites !== null && !sites.includes(site))
      throw ZoneOutsideProject({ zone, sites })
    return site
  }

  #sitesOfProject({ authorization }: RoutedRequest): SiteNames | null {
    return this.#options.projectSites.sitesOf(authorization?.projectId)
  }

  /** Reachable members before the others, and of these the nearest. */
  #nearFirst(sites: SiteNames): SiteNames {
    const { directory, freshness, transport } = this.#options
    const weigh = (site: string) => ({
      site,
      isAway: freshness.isReachable(site) && directory.find(site)?.standing === 'member' ? 0 : 1,
      roundTripMs: transport.roundTripMs(site) ?? Number.MAX_SAFE_INTEGER,
    })
    return sites
      .filter((site) => !directory.isRevoked(site))
      .map(weigh)
      .sort((left, right) => left.isAway - right.isAway || left.roundTripMs - right.roundTripMs)
      .map(({ site }) => site)
  }

  async #forward(
    request: RoutedRequest,
    site: string,
    { workMs = WORK_MS, headers: own = {} }: { workMs?: number; headers?: Record<string, string> } = {},
  ): Promise<RoutedReply> {
    const { state, transport, waiter } = this.#options
    const hops = Number(request.headers[HOPS_HEADER] ?? 0) + 1
    if (!(hops <= HOPS_MAX)) throw TooManyHops({})
    const isStream = request.body instanceof Readable
    try {
      const response = await transport.request({
        site,
        method: request.method,
        path: request.url,
        headers: {
          ...forwardedHeaders(request),
          [HOPS_HEADER]: String(hops),
          [SEQ_HEADER]: `${state.site.name}:${await state.feed.head()}`,
          ...own,
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        timeoutMs: transport.timeoutFor(site, isStream ? 6 * WORK_MS : workMs),
      })
      await waiter.reached(response.headers[SEQ_HEADER])
      const { [SEQ_HEADER]: _seq, ...headers } = response.headers
      return { status: response.status, headers: headers as RoutedReply['headers'], body: response.body }
    } catch (error) {
      if (!PeerUnreachable.is(error)) throw error
      throw HomeUnreachable({ site, mayHaveBeenDone: mayHaveBeenDone(error) }, { cause: error })
    }
  }
}

// How the client came goes along, so that links in the answer, a token's catalog above all, lead back to where it is.
function forwardedHeaders({ headers, protocol }: RoutedRequest): Record<string, string | readonly string[]> {
  const kept = endToEndHeaders(headers) as Record<string, string | readonly string[]>
  const { host: _host, [STAND_IN_HEADER]: _standIn, ...rest } = kept
  const host = headers.host ?? headers[':authority']
  return {
    ...rest,
    'x-forwarded-proto': protocol,
    ...(typeof host === 'string' && { 'x-forwarded-host': host }),
  }
}

// An administrator may name the host too: `zone:host`.
function zoneOf(availabilityZone: string | undefined): string | undefined {
  return availabilityZone?.split(':')[0] || undefined
}
