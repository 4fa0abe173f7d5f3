/** The owner's hold on the keeper of its lab: starts it, gives it orders, notices its end. */

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { WanRelayFailed } from '../errors.ts'
import type { KeeperOrder, KeeperReply, KeeperRequest } from './keeper-protocol.ts'
import { type ProcessIdentity, processIdentity } from './process-identity.ts'

interface Waiting {
  readonly resolve: (reply: KeeperReply) => void
  readonly reject: (error: Error) => void
}

export class Keeper {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #number = 0

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'keeper-process.ts'), [], {
      // A session of its own: the terminal's Ctrl-C must reach the owner only, so that the keeper can clean up.
      detached: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (reply: KeeperReply) => this.#settle(reply))
    this.#child.on('error', (cause) => this.#failAll(cause.message))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#failAll(`it ended with ${signal ?? `exit code ${code}`}`)
        resolve()
      })
    })
    // A lab that someone forgot to destroy must not keep its owner from ending: that is what destroys it.
    this.#unref()
  }

  get identity(): ProcessIdentity | undefined {
    return this.#child.pid === undefined ? undefined : processIdentity(this.#child.pid)
  }

  /** @throws WanRelayFailed when the keeper has ended or could not do it */
  async order(order: KeeperOrder): Promise<KeeperReply> {
    const request: KeeperRequest = { number: ++this.#number, order }
    this.#child.ref()
    this.#child.channel?.ref()
    try {
      const reply = await new Promise<KeeperReply>((resolve, reject) => {
        this.#waiting.set(request.number, { resolve, reject })
        if (!this.#child.connected) return this.#failAll('it has ended')
        this.#child.send(request, (error) => error && this.#failAll(error.message))
      })
      if (reply.failure !== undefined) throw WanRelayFailed({ reason: reply.failure })
      return reply
    } finally {
      if (this.#waiting.size === 0) this.#unref()
    }
  }

  /** Ends the keeper without it touching the lab. Does nothing when it has ended. */
  async stop(): Promise<void> {
    if (this.#child.connected) await this.order({ kind: 'stop' }).catch(() => this.#child.kill('SIGKILL'))
    this.#child.ref()
    if (this.#child.pid !== undefined) await this.#ended
  }

  #settle(reply: KeeperReply): void {
    this.#waiting.get(reply.number)?.resolve(reply)
    this.#waiting.delete(reply.number)
  }

  #failAll(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(WanRelayFailed({ reason }))
    this.#waiting.clear()
  }

  #unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }
}
