/** A thin client of etcd's JSON gateway: one request at a time to one member, and to the next when it does not answer. */

import { type Clock, fraction, type Random, sleep } from '@atoll/kit'
import { type Dispatcher, Pool } from 'undici'
import type { StoreUrl } from '../../store-url.ts'
import { RoundTrip } from '../network/round-trip.ts'

export interface EtcdClientOptions {
  readonly url: StoreUrl
  readonly clock: Clock
  readonly random: Random
  /** How long a request goes from member to member: an election takes one to two seconds. */
  readonly patienceMs: number
}

/** What the server said: its code is one of gRPC's (https://grpc.io/docs/guides/status-codes). */
export class EtcdRefusal extends Error {
  override readonly name = 'EtcdRefusal'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** No member has answered in time. */
export class EtcdAway extends Error {
  override readonly name = 'EtcdAway'
  /** Whether one may have done what was asked. */
  readonly mayBeDone: boolean

  constructor({ mayBeDone, cause }: { readonly mayBeDone: boolean; readonly cause: unknown }) {
    super(cause instanceof Error ? cause.message : 'no member has answered', { cause })
    this.mayBeDone = mayBeDone
  }
}

const PORT = 2379
const CONNECTIONS_MAX = 16
const PAUSE_MS = 20
const PAUSE_MS_MAX = 300
const CONNECT_MS_MAX = 2000
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16
const DEADLINE_EXCEEDED = 4

export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #members: readonly Pool[]
  readonly #roundTrip = new RoundTrip()
  readonly #closing = new AbortController()
  #current = 0
  #token: string | undefined

  constructor(options: EtcdClientOptions) {
    this.#options = options
    const { servers, scheme } = options.url
    this.#members = servers.map(({ host, port = PORT }) => {
      const name = host.includes(':') ? `[${host}]` : host
      const origin = `${scheme === 'etcds' ? 'https' : 'http'}://${name}:${port}`
      return new Pool(origin, {
        connections: CONNECTIONS_MAX,
        connect: { timeout: CONNECT_MS_MAX },
        bodyTimeout: 0,
        // The same protocol with and without TLS: an answer that does not end has a connection of its own.
        allowH2: false,
      })
    })
  }

  /**
   * Asks until a member answers. What is asked may be done twice: it must be harmless.
   * @throws EtcdRefusal, EtcdAway
   */
  async ask<Reply>(path: string, body: object): Promise<Reply> {
    const { clock, random, patienceMs } = this.#options
    const text = JSON.stringify(body)
    const deadlineMs = clock.monotonicMs() + patienceMs
    let mayBeDone = false
    for (let attempt = 0; ; attempt++) {
      const member = this.#current
      try {
        return await this.#askMember<Reply>(member, path, text)
      } catch (error) {
        if (error instanceof EtcdRefusal && error.code === UNAUTHENTICATED && attempt === 0) {
          this.#token = undefined
          continue
        }
        if (error instanceof EtcdRefusal && error.code !== UNAVAILABLE && error.code !== DEADLINE_EXCEEDED)
          throw error
        mayBeDone ||= !wasNeverSent(error)
        if (this.#current === member) this.#current = (member + 1) % this.#members.length
        if (this.#closing.signal.aborted || clock.monotonicMs() >= deadlineMs)
          throw new EtcdAway({ mayBeDone, cause: error })
      }
      // A whole round without an answer: whoever is electing a leader needs a little time.
      const rounds = Math.floor((attempt + 1) / this.#members.length)
      const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** rounds)
      await sleep(clock, fraction(random) * ceilingMs, this.#closing.signal)
    }
  }

  /** The lines of an answer that does not end, until it does or `signal` aborts. */
  async *stream(path: string, body: object, signal: AbortSignal): AsyncGenerator<string> {
    const reply = await this.#send(this.#current, path, JSON.stringify(body), signal)
    let rest = ''
    for await (const chunk of reply.body) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  }

  /** After a failure outside of `ask`: the next member is tried first. */
  suspect(): void {
    this.#current = (this.#current + 1) % this.#members.length
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#members.map((member) => member.destroy()))
  }

  async #askMember<Reply>(member: number, path: string, text: string): Promise<Reply> {
    const { clock } = this.#options
    const startedMs = clock.monotonicMs()
    const timeout = new AbortController()
    const cancelTimer = clock.after(this.#roundTrip.timeoutMs, () => timeout.abort())
    try {
      const reply = await this.#send(
        member,
        path,
        text,
        AbortSignal.any([timeout.signal, this.#closing.signal]),
      )
      const answer = await reply.body.text()
      if (reply.statusCode !== 200) throw refusalOf(reply.statusCode, answer)
      this.#roundTrip.measured(clock.monotonicMs() - startedMs)
      return JSON.parse(answer) as Reply
    } catch (error) {
      if (timeout.signal.aborted) this.#roundTrip.expired()
      throw error
    } finally {
      cancelTimer()
    }
  }

  async #send(
    member: number,
    path: string,
    body: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const pool = this.#members[member]
    if (!pool) throw new EtcdAway({ mayBeDone: false, cause: undefined })
    const { user, password = '' } = this.#options.url
    if (user !== undefined && this.#token === undefined && path !== AUTHENTICATE) {
      const { token } = await this.#askMember<{ token: string }>(
        member,
        AUTHENTICATE,
        JSON.stringify({ name: user, password }),
      )
      this.#token = token
    }
    const headers = {
      'content-type': 'application/json',
      ...(this.#token === undefined ? {} : { authorization: this.#token }),
    }
    return pool.request({ method: 'POST', path, body, headers, signal, headersTimeout: 0 })
  }
}

const AUTHENTICATE = '/v3/auth/authenticate'

function refusalOf(status: number, answer: string): EtcdRefusal {
  try {
    const { code, message } = JSON.parse(answer) as { code?: number; message?: string }
    return new EtcdRefusal(code ?? UNAVAILABLE, message ?? `status ${status}`)
  } catch {
    return new EtcdRefusal(UNAVAILABLE, `status ${status}`)
  }
}

function wasNeverSent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    code,
  )
}
