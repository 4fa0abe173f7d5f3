/** Changes of what a server is called. */

import type { Patch, State } from '@atoll/state'
import { type Static, Type } from 'typebox'
import { servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { closed, description, name } from '../schemas.ts'
import { accessAddresses, diskConfig } from './create-schema.ts'
import { findServer } from './find.ts'
import type { ServerRow } from './status.ts'

export const UPDATE_STEPS = ['2.1', '2.19']

const changes = {
  name: Type.Optional(name),
  'OS-DCF:diskConfig': Type.Optional(diskConfig),
  ...accessAddresses,
  description: Type.Optional(description),
}
const widest = closed({ server: closed(changes) })
type UpdateBody = Static<typeof widest>

export function updateBodySince(has: (version: string) => boolean) {
  const { description: _, ...older } = changes
  return Type.Unsafe<UpdateBody>(has('2.19') ? widest : closed({ server: closed(older) }))
}

export function updateServer(state: State, context: RequestContext): Promise<ServerRow> {
  const { server: asked } = context.body as UpdateBody
  const patch: Patch<typeof servers> = {
    ...(asked.name !== undefined && { name: asked.name.replaceAll(/\s/g, ' ').trim() }),
    ...(asked.description !== undefined && { description: asked.description }),
    ...(asked.accessIPv4 !== undefined && { access_ip_v4: asked.accessIPv4 }),
    ...(asked.accessIPv6 !== undefined && { access_ip_v6: asked.accessIPv6 }),
    ...(asked['OS-DCF:diskConfig'] !== undefined && { disk_config: asked['OS-DCF:diskConfig'] }),
  }
  return state.transaction(async (transaction) => {
    const server = await findServer(transaction, context)
    return transaction.update(servers, server.id, patch)
  })
}
