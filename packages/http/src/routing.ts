/**
 * The seam below the services: an endpoint says which record a request writes, and a router decides which peer
 * performs it. A service neither knows nor asks; with one site the answer is always "here".
 */

import type { Readable } from 'node:stream'
import type { Authorization } from './authorization.ts'

/** What a request writes. */
export type Writes =
  /** A record that exists, or under which a new one is made (a user in its domain). */
  | ({ readonly kind: 'record'; readonly table: string; readonly id: string } & AtHome)
  /** What the whole cloud shares and names uniquely: roles, domains, flavors. */
  | ({ readonly kind: 'cloud' } & AtHome)
  /** A new workload: any place that has room will do. */
  | {
      readonly kind: 'workload'
      /** As the client gave it, or undefined when it does not care. */
      readonly availabilityZone: string | undefined
      readonly needs: { readonly vcpus: number; readonly ramMib: number; readonly diskGib: number }
    }

export interface AtHome {
  /**
   * Perform it here when the home cannot be reached, and also when it may have performed it but did not answer: for
   * what the home does better and anybody may do twice, such as a login.
   */
  readonly orHere?: boolean
}

export interface RoutedRequest {
  readonly method: string
  /** Path and query as the client sent them. */
  readonly url: string
  /** How the client came, since links in the answer must lead back the same way. */
  readonly protocol: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer | Readable | undefined
  readonly authorization: Authorization | undefined
  /** The peer that forwarded this request to us, or undefined when a client sent it. */
  readonly forwardedBy: { readonly site: string } | undefined
}

export interface RoutedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Readable | Buffer
}

export interface RequestRouter {
  /**
   * For what belongs to the project of the token: resolves to undefined when this site keeps the records of that project,
   * or the request comes from a peer; else to the reply of a site that does.
   */
  routeByProject(request: RoutedRequest): Promise<RoutedReply | undefined>
  /** Resolves to undefined when this peer must perform the request, else to the reply of the peer that did. */
  route(request: RoutedRequest, writes: Writes): Promise<RoutedReply | undefined>
  /** Tries other places for a workload that has no room here. Undefined when there is no room anywhere else. */
  elsewhere(request: RoutedRequest, writes: Writes): Promise<RoutedReply | undefined>
}

/** Code of the error by which a service says that a workload has no room; sent as `Atoll-Error` between peers. */
export const NO_ROOM = 'compute.no_valid_host'

/**
 * A peer that forwards a request with this header, whatever its value, has left everything to the receiver, which does
 * what it does for a client: finds a place for a workload, records that there is none.
 */
export const STAND_IN_HEADER = 'atoll-stand-in'

/** The router of a cloud of one site. */
export const routeHere: RequestRouter = {
  routeByProject: () => Promise.resolve(undefined),
  route: () => Promise.resolve(undefined),
  elsewhere: () => Promise.resolve(undefined),
}
