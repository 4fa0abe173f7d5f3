/**
 * How many replicas of a primary are alive, as the primary sees it. A replica counts as dead when a majority of the cluster's
 * primaries has said so (`fail`, not `fail?`): then it is not the one that takes over, and need not have what is
 * acknowledged. A primary that is cut off from the majority never hears of that, and so acknowledges nothing alone.
 */

import { ErrorReply } from '@redis/client'
import type { Command, Reply } from '../redis/redis-connection.ts'
import type { ReplicaCensus } from '../redis/script-runner.ts'

export class ClusterCensus implements ReplicaCensus {
  readonly question: Command
  #alive: number | undefined

  /** @param id of the primary, as the cluster names it */
  constructor(id: string) {
    this.question = ['CLUSTER', 'REPLICAS', id]
  }

  get alive(): number | undefined {
    return this.#alive
  }

  learn(reply: Reply): number {
    if (reply instanceof ErrorReply || !Array.isArray(reply)) {
      this.#alive = undefined
      return Number.POSITIVE_INFINITY
    }
    this.#alive = reply.filter((line) => isAlive(String(line))).length
    return this.#alive
  }
}

/** `id address flags primary …`, the flags parted by commas. */
function isAlive(line: string): boolean {
  const flags = line.split(' ')[2]?.split(',') ?? []
  return !flags.includes('fail') && !flags.includes('noaddr') && !flags.includes('handshake')
}
