/** Runs scripts on whichever node may run them, again and again until there is an answer or patience ends. */

import { type Clock, fraction, type Random, sleep } from '@atoll/kit'
import { ErrorReply } from '@redis/client'
import type { Command, RedisConnection, Reply } from './redis-connection.ts'
import { ConnectionFailed, isPassing, kindOf } from './redis-errors.ts'
import type { Script } from './scripts/script.ts'

export interface ScriptCall {
  readonly script: Script
  /** Of Redis; all in one slot. */
  readonly keys: readonly string[]
  readonly args: readonly (string | Buffer)[]
  /** How many replicas must have everything that this connection has written before the answer counts. */
  readonly replicas: number
}

export interface ScriptRunner {
  /**
   * Callers must be ready for a script to run twice.
   * @throws ScriptFailed
   */
  run(call: ScriptCall): Promise<Reply>
}

/** Patience is at an end, or the server has refused for good. */
export class ScriptFailed extends Error {
  override readonly name = 'ScriptFailed'
  /** Whether the script may have run, now or later. */
  readonly isUnsure: boolean
  override readonly cause: unknown

  constructor({ isUnsure, cause }: { isUnsure: boolean; cause: unknown }) {
    super('a script has given no answer')
    this.isUnsure = isUnsure
    this.cause = cause
  }
}

/** Too few replicas have confirmed. */
export class NotReplicated extends ConnectionFailed {
  constructor(wanted: number, count: number) {
    const reason = `only ${count} of the ${wanted} replicas that must have a commit have confirmed it in time.`
    super({ isSent: true, reason })
  }
}

/** Pauses between tries of one call: uniform in `[0, min(PAUSE_MS_MAX, PAUSE_MS * 2^n))`. */
const PAUSE_MS = 4
const PAUSE_MS_MAX = 250

export interface PatienceOptions {
  readonly clock: Clock
  readonly random: Random
  /** A call is tried again until so much has passed; after a longer outage each call is tried once. */
  readonly patienceMs: number
}

/** Which replicas a primary has, where somebody can tell those that are dead for all from those that only it cannot reach. */
export interface ReplicaCensus {
  /** As it was at the latest answer; undefined before. */
  readonly alive: number | undefined
  readonly question: Command
  /** Answers with what the reply says. */
  learn(reply: Reply): number
}

export interface Stop {
  readonly connection: RedisConnection
  readonly isAsking: boolean
  readonly census?: ReplicaCensus | undefined
}

/** Where to send a call next: the part that differs between one server and a cluster. */
export interface Route {
  /** The node to try. @throws ConnectionFailed */
  next(): Promise<Stop>
  /** Hears of a failure, so that the next try may go elsewhere. True when it should be made at once. */
  failed(error: Error): boolean
}

export class Patience {
  readonly #options: PatienceOptions
  #downSinceMs: number | undefined

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** @throws ScriptFailed */
  async run(call: ScriptCall, route: Route, closed: AbortSignal): Promise<Reply> {
    const { clock, random, patienceMs } = this.#options
    const startMs = clock.monotonicMs()
    let isUnsure = false
    for (let tries = 0; ; tries++) {
      const error = await this.#try(call, route).catch((failure: unknown) => failure)
      if (!(error instanceof Error)) {
        this.#downSinceMs = undefined
        return error as Reply
      }
      isUnsure ||= error instanceof ConnectionFailed && error.isSent
      const isAtOnce = route.failed(error)
      const isHopeless = !(isAtOnce || error instanceof ConnectionFailed || isPassing(error))
      const nowMs = clock.monotonicMs()
      this.#downSinceMs ??= nowMs
      const isOver = nowMs - Math.min(startMs, this.#downSinceMs) >= patienceMs
      if (isHopeless || isOver || closed.aborted) throw new ScriptFailed({ isUnsure, cause: error })
      if (isAtOnce) continue
      const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** tries)
      await sleep(clock, fraction(random) * ceilingMs, closed)
    }
  }

  async #try(call: ScriptCall, route: Route): Promise<Reply> {
    const stop = await route.next()
    const reply = await send(stop, call, ['EVALSHA', call.script.sha1])
    const isUnknown = reply instanceof ErrorReply && kindOf(reply) === 'NOSCRIPT'
    return isUnknown ? send(stop, call, ['EVAL', call.script.source]) : reply
  }
}

/** @throws ConnectionFailed, NotReplicated */
async function send(
  { connection, isAsking, census }: Stop,
  { keys, args, replicas }: ScriptCall,
  head: readonly string[],
): Promise<Reply> {
  const waitMs = Math.ceil(connection.roundTrip.timeoutMs)
  const needed = Math.min(replicas, census?.alive ?? replicas)
  const isReduced = census !== undefined && needed < replicas
  const commands = [
    ...(isAsking ? [['ASKING']] : []),
    [...head, String(keys.length), ...keys, ...args],
    ...(needed > 0 ? [['WAIT', String(needed), String(waitMs)]] : []),
    // Behind the script, so that what it says held when the script had run.
    ...(isReduced ? [census.question] : []),
  ]
  const replies = [...(await connection.send(commands, needed > 0 ? waitMs : 0))]
  const reply = replies[isAsking ? 1 : 0] as Reply
  if (replicas === 0 || reply instanceof ErrorReply) return reply
  const told = isReduced ? replies.pop() : undefined
  const count = needed > 0 ? replies.pop() : 0
  if (count instanceof ErrorReply)
    throw new ConnectionFailed({ isSent: true, reason: 'it stopped being a primary.' })
  let required = needed
  if (told !== undefined) required = Math.min(replicas, census?.learn(told) ?? replicas)
  else if (Number(count) < needed && census) {
    const [answer] = await connection.send([census.question])
    required = Math.min(replicas, census.learn(answer as Reply))
  }
  if (Number(count) < required) throw new NotReplicated(required, Number(count))
  return reply
}
