/**
 * Which node serves which slot, as far as is known, and a connection to each. What is known is looked up anew when a node
 * does not answer, and put right by every redirection.
 */

import { type Clock, pick, type Random } from '@atoll/kit'
import { ErrorReply } from '@redis/client'
import { type Access, type Endpoint, RedisConnection, type Reply } from '../redis/redis-connection.ts'
import { ConnectionFailed, kindOf } from '../redis/redis-errors.ts'
import type { Route, Stop } from '../redis/script-runner.ts'
import { SLOTS } from './hash-slot.ts'
import { ClusterCensus } from './replica-census.ts'

export interface ClusterNodesOptions {
  /** Nodes to ask first. */
  readonly seeds: readonly Endpoint[]
  readonly access: Access
  readonly clock: Clock
  readonly random: Random
}

/** Redirections that one call follows without a pause: while a slot moves, two nodes may send it to each other. */
const REDIRECTIONS_MAX = 5
const NODES_MAX = 1024

export class ClusterNodes {
  readonly #options: ClusterNodesOptions
  readonly #connections = new Map<string, RedisConnection>()
  /** By the name of the node. */
  readonly #censuses = new Map<string, ClusterCensus>()
  readonly #nodeOf: (string | undefined)[] = Array.from({ length: SLOTS })
  #refreshing: Promise<void> | undefined
  #isKnown = false

  constructor(options: ClusterNodesOptions) {
    this.#options = options
    for (const seed of options.seeds) this.#connectionTo(seed)
  }

  /** A primary for each part of the slots. @throws ConnectionFailed */
  async primaries(): Promise<readonly RedisConnection[]> {
    await this.refresh()
    const names = new Set(this.#nodeOf)
    return [...names].flatMap((name) => (name === undefined ? [] : (this.#connections.get(name) ?? [])))
  }

  /** The connection to the node that serves `slot`. @throws ConnectionFailed */
  async nodeOf(slot: number): Promise<RedisConnection> {
    if (!this.#isKnown) await this.refresh()
    const name = this.#nodeOf[slot]
    const connection = name === undefined ? undefined : this.#connections.get(name)
    if (connection) return connection
    this.forget()
    throw new ConnectionFailed({ isSent: false, reason: `no node serves slot ${slot} now.` })
  }

  /** What is known may be out of date. */
  forget(): void {
    this.#isKnown = false
  }

  /** Undefined for a node that no node has told of as a primary. */
  censusOf({ endpoint }: RedisConnection): ClusterCensus | undefined {
    return this.#censuses.get(nameOf(endpoint))
  }

  moved(slot: number, endpoint: Endpoint): void {
    this.#nodeOf[slot] = nameOf(endpoint)
    this.#connectionTo(endpoint)
  }

  at(endpoint: Endpoint): RedisConnection {
    return this.#connectionTo(endpoint)
  }

  route(slot: number): Route {
    return new SlotRoute(this, slot)
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close()
  }

  /** Asks one node after the other, from a random one on, until one tells. @throws ConnectionFailed */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const remaining = [...this.#connections.values()]
    let failure: unknown
    while (remaining.length > 0) {
      const connection = pick(this.#options.random, remaining)
      remaining.splice(remaining.indexOf(connection), 1)
      try {
        const [reply] = await connection.send([['CLUSTER', 'SLOTS']])
        if (reply instanceof ErrorReply) throw reply
        this.#learn(reply as Reply, connection.endpoint)
        return
      } catch (error) {
        failure = error
      }
    }
    if (failure instanceof ErrorReply) throw failure
    throw new ConnectionFailed({ isSent: false, reason: 'no node of it can be reached.' }, { cause: failure })
  }

  #learn(reply: Reply, asked: Endpoint): void {
    if (!Array.isArray(reply)) return
    this.#nodeOf.fill(undefined)
    for (const [first, last, primary] of reply) {
      const [host, port, id] = primary as readonly Reply[]
      // A node that does not know its own address leaves it out.
      const endpoint = { host: String(host ?? '') || asked.host, port: Number(port) }
      this.#nodeOf.fill(nameOf(endpoint), Number(first), Number(last) + 1)
      this.#connectionTo(endpoint)
      const name = nameOf(endpoint)
      if (!this.#censuses.has(name)) this.#censuses.set(name, new ClusterCensus(String(id)))
    }
    this.#isKnown = true
  }

  #connectionTo(endpoint: Endpoint): RedisConnection {
    const name = nameOf(endpoint)
    const known = this.#connections.get(name)
    if (known) return known
    if (this.#connections.size >= NODES_MAX)
      throw new ConnectionFailed({ isSent: false, reason: 'it has more nodes than can be followed.' })
    const { access, clock, random } = this.#options
    const connection = new RedisConnection({ endpoint, access, clock, random })
    this.#connections.set(name, connection)
    return connection
  }
}

/** One call's way to a slot, wherever that is at the moment. */
class SlotRoute implements Route {
  readonly #nodes: ClusterNodes
  readonly #slot: number
  #asking: Endpoint | undefined
  #redirections = 0

  constructor(nodes: ClusterNodes, slot: number) {
    this.#nodes = nodes
    this.#slot = slot
  }

  async next(): Promise<Stop> {
    const isAsking = this.#asking !== undefined
    const connection = this.#asking ? this.#nodes.at(this.#asking) : await this.#nodes.nodeOf(this.#slot)
    return { connection, isAsking, census: this.#nodes.censusOf(connection) }
  }

  failed(error: Error): boolean {
    this.#asking = undefined
    const redirection = redirectionOf(error)
    if (!redirection) {
      this.#nodes.forget()
      return false
    }
    if (redirection.isLasting) this.#nodes.moved(this.#slot, redirection.endpoint)
    else this.#asking = redirection.endpoint
    return ++this.#redirections <= REDIRECTIONS_MAX
  }
}

/** `MOVED 3999 192.0.2.7:6381` or `ASK …`. */
function redirectionOf(error: Error): { isLasting: boolean; endpoint: Endpoint } | undefined {
  const kind = kindOf(error)
  if (!(error instanceof ErrorReply) || (kind !== 'MOVED' && kind !== 'ASK')) return undefined
  const address = error.message.split(' ')[2] ?? ''
  const colon = address.lastIndexOf(':')
  if (colon <= 0) return undefined
  return {
    isLasting: kind === 'MOVED',
    endpoint: { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) },
  }
}

function nameOf({ host, port }: Endpoint): string {
  return `${host}:${port}`
}
