/** One peer as a process of its own on this machine: started as a user would, its words in a file. */

import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import type { PeerStatus } from '@atoll/peer'
import { Connection, waitUntil } from '@atoll/sdk'
import { askStatus } from '../admin-client.ts'
import { authUrl } from '../client-settings.ts'
import { PeerEnded, PeerNotRunning } from '../errors.ts'
import { formatHostPort } from '../parse-values.ts'
import { atollArguments } from '../run-program.ts'
import type { PeerMachine } from './peer-machine.ts'

export interface LocalPeerOptions {
  readonly site: string
  /** Its name at its site, and of its directory and its log. Default: the site's. */
  readonly name?: string
  readonly machine: PeerMachine
  readonly dataDirectory: string
  readonly logPath: string
  /** For node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[]
}

/** Until a peer that found its data in order must answer; the slowest is one that probes QEMU's accelerators. */
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000

export class LocalPeer {
  readonly site: string
  readonly name: string
  readonly apiUrl: string
  /** Where other sites' peers reach this one. */
  readonly peerUrl: string
  readonly dataDirectory: string
  readonly logPath: string
  readonly #options: LocalPeerOptions
  #child: ChildProcess | undefined

  constructor(options: LocalPeerOptions) {
    const { site, name = site, machine, dataDirectory, logPath } = options
    this.site = site
    this.name = name
    this.apiUrl = `http://${formatHostPort(machine.api)}`
    this.peerUrl = `https://${formatHostPort(machine.peer)}`
    this.dataDirectory = dataDirectory
    this.logPath = logPath
    this.#options = options
  }

  /** Of the process; undefined when it does not run. */
  get pid(): number | undefined {
    return isRunning(this.#child) ? this.#child?.pid : undefined
  }

  /** Of `atoll peer` and `atoll join`: where this one listens. */
  get addressOptions(): readonly string[] {
    const { api, peer } = this.#options.machine
    return ['--api', formatHostPort(api), '--peer', formatHostPort(peer)]
  }

  /** Runs `atoll peer` or another command that ends in a running peer, and waits until it answers. @throws PeerEnded */
  async start(command: readonly string[] = ['peer'], signal?: AbortSignal): Promise<PeerStatus> {
    const { machine, dataDirectory, logPath, nodeArguments = [] } = this.#options
    const log = openSync(logPath, 'a', 0o600)
    const args = [...nodeArguments, ...atollArguments, ...command, '--data', dataDirectory]
    // A group of its own, so that Ctrl-C reaches the owner first, who then stops its peers in order.
    this.#child = machine.spawn(process.execPath, args, { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    this.#child.once('error', () => {})
    const what = `the peer ${this.name} answers`
    return waitUntil({ what, timeoutMs: READY_TIMEOUT_MS, intervalMs: 20, ...(signal && { signal }) }, () => {
      if (!isRunning(this.#child)) throw PeerEnded({ site: this.site, logPath, tail: lastLines(logPath, 20) })
      return this.status().catch((error: unknown) => {
        if (PeerNotRunning.is(error)) return undefined
        throw error
      })
    })
  }

  /** @throws PeerNotRunning */
  status(): Promise<PeerStatus> {
    return askStatus(this.dataDirectory)
  }

  /** A client of this site's APIs, as the cloud's administrator. */
  connect(password: string): Promise<Connection> {
    return Connection.open({
      authUrl: authUrl(this.apiUrl),
      username: 'admin',
      password,
      projectName: 'admin',
    })
  }

  /** Sends SIGTERM, or SIGKILL when told so or when the first was in vain, and waits for the end. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || !isRunning(child)) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** The last lines of a file; empty when there is none. */
export function lastLines(path: string, count: number): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n') : ''
}
