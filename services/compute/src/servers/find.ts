/** Finding the server that a request names. */

import { projectScope, type Reader } from '@atoll/state'
import { ServerNotFound } from '../errors.ts'
import { servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import type { ServerRow } from './status.ts'

/** The server in the path. @throws ServerNotFound when there is none or it is not for the bearer */
export async function findServer(reader: Reader, context: RequestContext): Promise<ServerRow> {
  const id = context.params.server_id ?? ''
  const server = await reader.find(context.scope, servers, id)
  if (!server) throw ServerNotFound({ id })
  return server
}

/** As `findServer`; since 2.21 an action's history outlives its server. */
export async function findServerEvenDeleted(reader: Reader, context: RequestContext): Promise<ServerRow> {
  const id = context.params.server_id ?? ''
  const server = await reader
    .selectWithTombstones(context.scope, servers)
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (!server) throw ServerNotFound({ id })
  return server
}

/** What the whole project of a bearer is, administrators included: lists show no more unless they ask for it. */
export const ownProject = ({ authorization }: RequestContext) =>
  projectScope(authorization.projectId, authorization.userId)

/** Every request for a server that exists is performed at its home. */
export const writesServer = (context: RequestContext) =>
  ({ kind: 'record', table: servers.name, id: context.params.server_id ?? '' }) as const
