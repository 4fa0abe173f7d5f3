/** The parent's side of a peer of the tests: a fabric whose calls run in the peer's process. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { AtollError } from '@atoll/kit'
import type { AppliedNetwork, Fabric, FabricNetwork, PresentNetwork } from '../fabric.ts'
import type { Step } from '../linux/plan.ts'
import type { WorkerReply, WorkerRequest } from './fabric-worker.ts'

export interface WorkerPeerOptions {
  /** The network namespace that stands for the host. */
  readonly namespace: string
  readonly stateDirectory: string
  readonly tunnelIp: string
  readonly attach: 'tap' | 'veth'
}

type RequestOf<Method> = Method extends string ? Omit<WorkerRequest & { method: Method }, 'id'> : never

export class WorkerPeer implements Fabric {
  readonly kind = 'linux'
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (reply: WorkerReply) => void>()
  #nextId = 1

  constructor({ namespace, stateDirectory, tunnelIp, attach }: WorkerPeerOptions) {
    const script = fileURLToPath(new URL('./fabric-worker.ts', import.meta.url))
    const program = [process.execPath, script, stateDirectory, tunnelIp, attach]
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { PATH: process.env.PATH },
    })
    this.#child.on('message', (reply: WorkerReply) => {
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
    this.#child.on('exit', () => {
      for (const [id, settle] of this.#waiting) settle({ id, error: { message: 'the peer ended' } })
      this.#waiting.clear()
    })
  }

  apply(network: FabricNetwork): Promise<AppliedNetwork> {
    return this.#call({ method: 'apply', network })
  }

  plan(network: FabricNetwork): Promise<readonly Step[]> {
    return this.#call({ method: 'plan', network })
  }

  remove(networkId: string): Promise<void> {
    return this.#call({ method: 'remove', networkId })
  }

  list(): Promise<readonly PresentNetwork[]> {
    return this.#call({ method: 'list' })
  }

  close(): Promise<void> {
    return this.#call({ method: 'close' })
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  async #call<T>(request: RequestOf<WorkerRequest['method']>): Promise<T> {
    const id = this.#nextId++
    const reply = await new Promise<WorkerReply>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.send({ ...request, id })
    })
    if (!reply.error) return reply.result as T
    const { code, status = 500, fault = '', message } = reply.error
    throw code === undefined
      ? new Error(message)
      : new AtollError({ code, status, fault }, { message }, undefined)
  }
}
