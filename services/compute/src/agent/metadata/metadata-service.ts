/** The metadata service of the servers of this site. Who asks is told by the fabric, never by the request. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import { servers } from '../../records.ts'
import type { PortsForAgent } from '../host-drivers.ts'
import { answerMetadata, type MetadataAnswer, plainAnswer } from './answer-metadata.ts'
import { metadataTree } from './metadata-tree.ts'

export interface MetadataServiceOptions {
  readonly state: State
  readonly ports: Pick<PortsForAgent, 'portsOf' | 'serverOf'>
  readonly log: Logger
}

const scope = cloudScope('metadata service')

/** A handler for the fabric's metadata listeners. */
export function createMetadataService(options: MetadataServiceOptions) {
  return (caller: { readonly portId: string }, request: IncomingMessage, response: ServerResponse): void => {
    answer(options, caller.portId, request)
      .catch((error: unknown): MetadataAnswer => {
        options.log.error({ port: caller.portId, err: error }, 'a metadata request failed')
        return plainAnswer(500, 'Internal Server Error\n')
      })
      .then(({ status, contentType, body }) => {
        response.writeHead(status, {
          'content-type': contentType,
          'content-length': body.length,
          ...(status === 405 && { allow: 'GET, HEAD' }),
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
      .catch((error: unknown) => options.log.debug({ err: error }, 'a guest went away'))
  }
}

async function answer(
  { state, ports }: MetadataServiceOptions,
  portId: string,
  request: IncomingMessage,
): Promise<MetadataAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return plainAnswer(405, 'Method Not Allowed\n')
  const serverId = await ports.serverOf(portId)
  const server = serverId === undefined ? undefined : await state.find(scope, servers, serverId)
  if (!server) return plainAnswer(404, 'Not Found\n')
  const tree = metadataTree(server, await ports.portsOf(server.id, server.port_ids))
  return answerMetadata(tree, request.url ?? '/')
}
