/** What an API is made of: endpoints as values, with everything that the gate in front of them must know. */

import type { Readable } from 'node:stream'
import type { AtollError, Logger } from '@atoll/kit'
import type { Scope } from '@atoll/state'
import type { Static, TSchema } from 'typebox'
import type { Authorization } from './authorization.ts'
import type { FaultFamily } from './faults.ts'
import type { Microversion, MicroversionRange } from './microversion.ts'
import type { Rules, Target } from './policy.ts'
import type { Writes } from './routing.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What a handler is given. Every field was checked before; nothing of it is the client's raw word. */
export interface Context<Query = Record<string, unknown>, Body = unknown> {
  readonly requestId: string
  /** The token's bearer. Throws a bug for an endpoint that is open to all. */
  readonly authorization: Authorization
  /** What the bearer may see; the key to `State.select` and `State.find`. */
  readonly scope: Scope
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** The request's body as it arrives, for endpoints whose `body` is `stream`. */
  readonly stream: Readable
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly microversion: Microversion
  /** Public address of this API as the client reached it, with its prefix, without a final slash. */
  readonly baseUrl: string
  /** Path and query of the request below `baseUrl`, for links of the next page. */
  readonly path: string
  readonly log: Logger
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
  setStatus(status: number): void
  setHeader(name: string, value: string): void
  /** Checks a further rule. @throws Forbidden */
  authorize(rule: string, target?: Target): void
  /** As `authorize`, answering instead of throwing. */
  allows(rule: string, target?: Target): boolean
}

export interface EndpointDefinition<Query extends TSchema = TSchema, Body extends TSchema = TSchema> {
  readonly method: Method
  /** Below the API's prefix, parameters as `:name`: `/servers/:server_id`. */
  readonly path: string
  /** Name of the policy rule that the token must satisfy; null only for what is open to all, such as discovery. */
  readonly rule: string | null
  /** First and last microversion of this definition; several may share a method and a path. */
  readonly since?: string
  readonly until?: string
  readonly query?: Query
  /** A JSON Schema, or `stream` for bytes of any size. Without it the endpoint takes no body. */
  readonly body?: Body | 'stream'
  /** Overrides the API's limit for a JSON body. */
  readonly bodyLimitBytes?: number
  /** Status of success; 200 unless told. An undefined result makes an empty body. */
  readonly status?: number
  /** Says what the request writes, so that it is performed at the right home. Endpoints that only read have none. */
  readonly writes?: (
    context: Context<Static<Query>, Static<Body>>,
  ) => Writes | undefined | Promise<Writes | undefined>
  /** Answers with what becomes the JSON body, a `Readable` for bytes, or undefined. */
  readonly handle: (context: Context<Static<Query>, Static<Body>>) => Promise<unknown>
  /** For a workload: answers the client when no place in the cloud has room. Without it the error is sent. */
  readonly handleNoRoom?: (
    context: Context<Static<Query>, Static<Body>>,
    error: AtollError,
  ) => Promise<unknown>
}

/** An endpoint whose types of query and body have been checked by `endpoint`. */
export type Endpoint = EndpointDefinition<TSchema, TSchema>

/** Types a definition by its schemas. */
export function endpoint<Query extends TSchema = TSchema, Body extends TSchema = TSchema>(
  definition: EndpointDefinition<Query, Body>,
): Endpoint {
  return definition as unknown as Endpoint
}

export interface Api {
  /** First part of every path: `/compute`. */
  readonly prefix: string
  readonly faults: FaultFamily
  readonly microversions?: MicroversionRange
  readonly rules: Rules
  /**
   * What it answers with belongs to the token's project, so that it is asked where that project's records are kept.
   * Default: every site can answer.
   */
  readonly isOfProjects?: boolean
  readonly endpoints: readonly Endpoint[]
  /** Headers that every reply carries beside the common ones: `X-Compute-Request-Id`. */
  readonly requestIdHeaders?: readonly string[]
}

/** Largest JSON body unless an endpoint says otherwise: user data of 64 KiB in base64, with room. */
export const BODY_LIMIT_BYTES = 256 * 1024
