/** Where a peer of a local cloud runs: on a host of a lab, or on this machine's loopback. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { Lab } from '@atoll/lab'
import type { HostPort } from '../parse-values.ts'

export interface PeerMachine {
  readonly api: HostPort
  readonly peer: HostPort
  /** Starts a program there. */
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess
}

const API_PORT = 8774
const PEER_PORT = 8775

/** Clients come over the operator link, other sites over the WAN. */
/** @param portOffset 0 for the first peer on a host */
export function labMachine(lab: Lab, host: string, portOffset = 0): PeerMachine {
  const { operatorIp, wanIp } = lab.host(host)
  return {
    api: { host: operatorIp, port: API_PORT + portOffset },
    peer: { host: wanIp, port: PEER_PORT + portOffset },
    spawn: (program, args, options) => lab.spawn(host, program, args, options),
  }
}

const loopback = '127.0.0.1'

/** Takes ports that are free now; a peer that finds one taken since then says so. */
export async function loopbackMachine(): Promise<PeerMachine> {
  const [api, peer] = await freePorts(2)
  return {
    api: { host: loopback, port: api ?? 0 },
    peer: { host: loopback, port: peer ?? 0 },
    spawn: (program, args, options) => spawn(program, args, options),
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  // All are held until the last one is found, or the kernel may give the same one twice.
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, loopback, resolve)
      })
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
