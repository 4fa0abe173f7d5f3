/** Where a server of a store runs: on this machine, or on a host of a lab, behind the lab's WAN. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Lab } from '../hosts/lab.ts'
import { outputOf, type RunOptions, runProgram } from '../run-program.ts'

export interface ServerHost {
  /** By which its clients and its fellow servers reach it. */
  readonly address: string
  /** A port of `address` that nobody uses now. */
  freePort(): Promise<number>
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess
  /** Runs a program there to its end and returns stdout. @throws ProgramFailed unless the exit code is 0 */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>
}

export const loopbackHost: ServerHost = Object.freeze({
  address: '127.0.0.1',
  freePort: freeLoopbackPort,
  spawn: (program: string, args: readonly string[], options: SpawnOptions) => spawn(program, args, options),
  run: runProgram,
})

/** The same host again and again, for the nodes of a cluster. */
export function loopbackHosts(count: number): readonly ServerHost[] {
  return Array.from({ length: count }, () => loopbackHost)
}

/** The first port that is given on a host of a lab, where no one else is; below what the kernel gives by itself. */
const LAB_PORT_FIRST = 20_000

/** A host of a lab. Asked for once: two of one name would give the same ports. */
export function labServerHost(lab: Lab, name: string): ServerHost {
  let port = LAB_PORT_FIRST
  return {
    address: lab.host(name).wanIp,
    freePort: async () => port++,
    spawn: (program, args, options) => lab.spawn(name, program, args, options),
    run: async (program, args, options) =>
      outputOf(await lab.exec(name, program, args, options), program, args),
  }
}

async function freeLoopbackPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  server.close()
  await once(server, 'close')
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}
