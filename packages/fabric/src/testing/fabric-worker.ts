/**
 * A peer of the tests: runs the Linux driver in the network namespace that it is started in, and does what its parent says
 * over the IPC channel.
 *
 * usage: node fabric-worker.ts <stateDirectory> <tunnelIp> <attach>
 */

import { AtollError, silentLogger, systemClock } from '@atoll/kit'
import type { FabricNetwork } from '../fabric.ts'
import { LinuxFabric } from '../linux/linux-fabric.ts'
import type { Attach } from '../linux/wanted.ts'

export type WorkerRequest =
  | { readonly id: number; readonly method: 'apply' | 'plan'; readonly network: FabricNetwork }
  | { readonly id: number; readonly method: 'remove'; readonly networkId: string }
  | { readonly id: number; readonly method: 'list' | 'close' }

export interface WorkerReply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { code?: string; status?: number; fault?: string; message: string }
}

const [stateDirectory = '', tunnelIp = '', attach] = process.argv.slice(2)
const fabric = new LinuxFabric({
  stateDirectory,
  tunnelIp,
  attach: attach as Attach,
  clock: systemClock,
  log: silentLogger,
  metadata: (caller, _request, response) => response.end(JSON.stringify(caller)),
})

process.on('message', (request: WorkerRequest) => void answer(request))
// Without its parent a peer of the tests has nothing to do.
process.on('disconnect', () => process.exit())

async function answer(request: WorkerRequest): Promise<void> {
  const { id } = request
  try {
    process.send?.({ id, result: await perform(request) } satisfies WorkerReply)
  } catch (thrown) {
    const error = thrown as Error
    const { code, status, fault } = thrown instanceof AtollError ? thrown : {}
    const described = { message: error.message, ...(code === undefined ? {} : { code, status, fault }) }
    process.send?.({ id, error: described })
  }
}
function perform(request: WorkerRequest): Promise<unknown> {
  switch (request.method) {
    case 'apply':
      return fabric.apply(request.network)
    case 'plan':
      return fabric.plan(request.network)
    case 'remove':
      return fabric.remove(request.networkId)
    case 'list':
      return fabric.list()
    case 'close':
      return fabric.close()
  }
}
