/** Whether a Redis keeps what it has acknowledged, and what an operator must change when it does not. */

import { type Clock, type Random, retry } from '@atoll/kit'
import { ErrorReply } from '@redis/client'
import { StoreMisconfigured } from '../../errors.ts'
import type { RedisConnection, Reply } from './redis-connection.ts'
import { ConnectionFailed, isPassing, kindOf } from './redis-errors.ts'
import type { RedisUrl } from './redis-url.ts'

/** Of these, an acknowledged commit on one server survives the death of that server and of its machine's power. */
const NEEDED: readonly (readonly [setting: string, value: string])[] = [
  ['appendonly', 'yes'],
  // Every reply waits for the disk, those of looks too: replies leave after the append-only file was synced.
  ['appendfsync', 'always'],
  ['no-appendfsync-on-rewrite', 'no'],
  // Anything else throws keys away when memory runs out.
  ['maxmemory-policy', 'noeviction'],
]

const VERSION_LEAST = 7

export interface ServerFacts {
  readonly replicasConnected: number
}

const ATTEMPTS = { attemptsMax: 6, pauseMs: 50, pauseMsMax: 1000 }

/** Whether it is worth asking again in a moment. */
export function isPassingFailure(error: unknown): boolean {
  return error instanceof ConnectionFailed || (error instanceof ErrorReply && isPassing(error))
}

/** Asks a few times before it gives up: for what is asked once, when a store is opened. */
export function patiently<Result>(
  world: { readonly clock: Clock; readonly random: Random },
  ask: () => Promise<Result>,
): Promise<Result> {
  const { clock, random } = world
  return retry({ clock, random, ...ATTEMPTS, isRetryable: isPassingFailure }, ask)
}

/**
 * Looks at one primary. @throws StoreMisconfigured saying what to change
 * @throws ConnectionFailed, ErrorReply
 */
export async function checkServer(connection: RedisConnection, url: RedisUrl): Promise<ServerFacts> {
  const { host, port } = connection.endpoint
  const path = url.description
  const refuse = (advice: string, cause?: unknown) =>
    StoreMisconfigured({ path, advice: `at ${host}:${port}, ${advice}` }, cause ? { cause } : {})
  const [infoReply, configReply] = await connection.send([
    ['INFO'],
    ['CONFIG', 'GET', ...NEEDED.map(([setting]) => setting)],
  ])
  if (infoReply instanceof ErrorReply) throw infoReply
  const info = fieldsOf(String(infoReply))
  const version = info.get('redis_version') ?? '0'
  if (Number.parseInt(version, 10) < VERSION_LEAST) throw refuse(`Redis ${version} runs; 7.0 is the least.`)
  const isCluster = info.get('cluster_enabled') === '1'
  if (isCluster !== url.isCluster)
    throw refuse(
      isCluster
        ? 'this is a node of a cluster; name it as redis-cluster://.'
        : 'this is no node of a cluster; name it as redis://.',
    )
  if (url.configuration !== 'trust') await checkSettings(connection, configReply as Reply, url, refuse)
  return { replicasConnected: Number(info.get('connected_slaves') ?? 0) }
}

async function checkSettings(
  connection: RedisConnection,
  reply: Reply,
  { configuration }: RedisUrl,
  refuse: (advice: string, cause?: unknown) => Error,
): Promise<void> {
  if (reply instanceof ErrorReply)
    throw refuse(
      `CONFIG GET is refused (${kindOf(reply)}): allow it, or put configuration=trust into the URL when you know that it keeps what it acknowledges.`,
      reply,
    )
  const is = pairsOf(reply)
  const wrong = NEEDED.filter(([setting, value]) => is.get(setting) !== value)
  if (wrong.length === 0) return
  const commands = wrong.map(([setting, value]) => ['CONFIG', 'SET', setting, value])
  const advice = `run ${commands.map((command) => command.join(' ')).join('; ')}; CONFIG REWRITE.`
  if (configuration === 'check') throw refuse(advice)
  const replies = await connection.send([...commands, ['CONFIG', 'REWRITE']])
  const failed = replies.slice(0, -1).find((each) => each instanceof ErrorReply)
  if (failed) throw refuse(advice, failed)
}

/** `name:value` lines of INFO. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : []
    }),
  )
}

export function pairsOf(reply: Reply): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  if (!Array.isArray(reply)) return pairs
  for (let index = 0; index < reply.length; index += 2)
    pairs.set(String(reply[index]), text(reply[index + 1]))
  return pairs
}

/** One character for each byte, whatever it is. */
function text(reply: Reply): string {
  return reply instanceof Buffer ? reply.toString('latin1') : String(reply)
}
