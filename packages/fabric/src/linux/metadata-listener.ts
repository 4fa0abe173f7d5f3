/**
 * Serves guests' metadata requests from this process, on sockets that are in the guests' namespaces. A caller is known by the
 * network whose socket it reached and by its address, which the guard keeps it from forging; headers are never asked.
 */

import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Clock, Logger } from '@atoll/kit'
import { ProgramFailed, ProgramTimedOut } from '../errors.ts'
import {
  type FabricNetwork,
  METADATA_IP,
  type MetadataHandler,
  type NetworkId,
  type PortId,
} from '../fabric.ts'
import { hostEnvironment } from './program.ts'

const METADATA_PORT = 80
const OPEN_MS_MAX = 20_000
/** A guest asks for small documents, one after another; these bound what one network can hold open. */
const CONNECTIONS_MAX = 256
const REQUEST_MS_MAX = 10_000

export interface MetadataListenersOptions {
  readonly handler: MetadataHandler
  readonly clock: Clock
  readonly log: Logger
}

interface Listener {
  readonly http: HttpServer
  readonly socket: Server
  readonly namespaceInode: number
}

export class MetadataListeners {
  readonly #options: MetadataListenersOptions
  readonly #listeners = new Map<NetworkId, Listener>()
  readonly #ports = new Map<NetworkId, ReadonlyMap<string, PortId>>()

  constructor(options: MetadataListenersOptions) {
    this.#options = options
  }

  /** The namespace in which the network's socket is, or undefined when there is none. */
  namespaceInode(networkId: NetworkId): number | undefined {
    return this.#listeners.get(networkId)?.namespaceInode
  }

  /** Says which ports may ask from now on. */
  setCallers({ id, localPorts }: FabricNetwork): void {
    const entries = localPorts.flatMap((port) =>
      port.fixedIps.map(({ ipAddress }) => [ipAddress, port.id] as const),
    )
    this.#ports.set(id, new Map(entries))
  }

  /** Listens in the namespace at `path`, in place of any earlier socket of the network. */
  async open(networkId: NetworkId, path: string): Promise<void> {
    await this.#closeListener(networkId)
    const { ino: namespaceInode } = await stat(path)
    const socket = await openSocket(path, this.#options.clock)
    const http = this.#serve(networkId)
    // A connection that fails in the kernel concerns one guest only.
    socket.on('error', (err) => this.#options.log.warn({ networkId, err }, 'metadata socket'))
    socket.on('connection', (connection) => http.emit('connection', connection))
    socket.maxConnections = CONNECTIONS_MAX
    this.#listeners.set(networkId, { http, socket, namespaceInode })
  }

  async close(networkId: NetworkId): Promise<void> {
    this.#ports.delete(networkId)
    await this.#closeListener(networkId)
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#listeners.keys()].map((networkId) => this.close(networkId)))
  }

  async #closeListener(networkId: NetworkId): Promise<void> {
    const listener = this.#listeners.get(networkId)
    if (!listener) return
    this.#listeners.delete(networkId)
    const closed = new Promise<void>((resolve) => listener.socket.close(() => resolve()))
    listener.http.closeAllConnections()
    await closed
  }

  #serve(networkId: NetworkId): HttpServer {
    const { handler, log } = this.#options
    const limits = { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }
    return createServer(limits, (request, response) => {
      const portId = this.#ports.get(networkId)?.get(request.socket.remoteAddress ?? '')
      if (portId === undefined) {
        response.writeHead(404).end()
        return
      }
      try {
        handler({ networkId, portId }, request, response)
      } catch (err) {
        log.error({ networkId, portId, err }, 'metadata handler failed')
        if (!response.headersSent) response.writeHead(500)
        response.end()
      }
    })
  }
}

function openSocket(namespacePath: string, clock: Clock): Promise<Server> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('./open-socket.ts', import.meta.url))
    const program = `metadata listener in ${namespacePath}`
    const args = [`--net=${namespacePath}`, process.execPath, script, METADATA_IP, String(METADATA_PORT)]
    const child = spawn('nsenter', args, { env: hostEnvironment, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(0, 2000)
    })
    const cancel = clock.after(OPEN_MS_MAX, () => {
      reject(ProgramTimedOut({ program, timeoutMs: OPEN_MS_MAX }))
      child.kill('SIGKILL')
    })
    child.on('message', (_message, handle) => {
      cancel()
      resolve(handle as Server)
    })
    child.on('error', ({ message }) => reject(ProgramFailed({ program, reason: message })))
    child.on('close', (code) => {
      cancel()
      reject(ProgramFailed({ program, reason: complaint.trim() || `exit status ${code}` }))
    })
  })
}
