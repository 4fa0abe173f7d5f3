/**
 * One connection to one Redis: commands go out together and their replies come back together. It is made when it is first
 * needed, given up as soon as an answer is overdue, and made anew with growing pauses.
 */

import { type Clock, fraction, type Random } from '@atoll/kit'
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client'
import { RoundTrip, within } from '../network/round-trip.ts'
import { ConnectionFailed } from './redis-errors.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Access {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly isTls: boolean
}

export interface ConnectionOptions {
  readonly endpoint: Endpoint
  readonly access: Access
  readonly clock: Clock
  readonly random: Random
}

export type Command = readonly (string | Buffer)[]
/** Strings of the server come as buffers; an error reply is a value here, since others beside it may have succeeded. */
export type Reply = Buffer | number | string | null | ErrorReply | readonly Reply[]

/** Before attempt n to connect, a pause in `[0, min(PAUSE_MS_MAX, PAUSE_MS * 2^(n-1)))` in which requests fail at once. */
const PAUSE_MS = 50
const PAUSE_MS_MAX = 2000

const COMMANDS_MAX = 10_000
const BUFFERS = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 } as const

export type Client = ReturnType<typeof newClient>

export class RedisConnection {
  readonly #options: ConnectionOptions
  readonly roundTrip = new RoundTrip()
  #client: Promise<Client> | undefined
  #failures = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get endpoint(): Endpoint {
    return this.#options.endpoint
  }

  /**
   * Sends `commands` in one go and answers with their replies.
   * @param blocksMs how long one of them may keep the server from answering, beside its work
   * @throws ConnectionFailed
   */
  async send(commands: readonly Command[], blocksMs = 0): Promise<readonly Reply[]> {
    const connecting = this.#connected()
    const client = await connecting
    const { clock } = this.#options
    const startMs = clock.monotonicMs()
    const { timeoutMs } = this.roundTrip
    const expired = () => {
      this.roundTrip.expired()
      return new ConnectionFailed({
        isSent: true,
        reason: `it has not answered within ${Math.round(timeoutMs)} ms.`,
      })
    }
    try {
      const replies = Promise.all(commands.map((command) => sendOne(client, command)))
      const answered = await within({ clock, timeoutMs: timeoutMs + blocksMs, expired }, replies)
      const elapsedMs = clock.monotonicMs() - startMs
      // An answer that was waited for to the end of that time says nothing of the next one.
      if (blocksMs === 0 || elapsedMs < blocksMs) this.roundTrip.measured(elapsedMs)
      return answered
    } catch (error) {
      this.#drop(client, connecting)
      if (error instanceof ConnectionFailed) throw error
      throw new ConnectionFailed({ isSent: true, reason: 'the connection was lost.' }, { cause: error })
    }
  }

  /** A further connection to the same server, for a subscription. The caller destroys it. @throws ConnectionFailed */
  async separate(): Promise<Client> {
    return this.#connect()
  }

  close(): void {
    this.#isClosed = true
    const client = this.#client
    this.#client = undefined
    client?.then(
      (open) => open.destroy(),
      () => {},
    )
  }

  #connected(): Promise<Client> {
    if (this.#client) return this.#client
    const { clock } = this.#options
    if (clock.monotonicMs() < this.#notBeforeMs)
      return Promise.reject(new ConnectionFailed({ isSent: false, reason: 'it cannot be reached.' }))
    const connecting = this.#connect()
    this.#client = connecting
    connecting.then(
      (client) => {
        this.#failures = 0
        client.on('terminated', () => this.#drop(client, connecting))
        if (this.#isClosed) client.destroy()
      },
      () => {
        const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** this.#failures++)
        this.#notBeforeMs = clock.monotonicMs() + fraction(this.#options.random) * ceilingMs
        if (this.#client === connecting) this.#client = undefined
      },
    )
    return connecting
  }

  async #connect(): Promise<Client> {
    if (this.#isClosed) throw new ConnectionFailed({ isSent: false, reason: 'it was closed.' })
    const { clock } = this.#options
    const client = newClient(this.#options)
    // What failed is told by the command that was under way; without a listener the process would end.
    client.on('error', () => {})
    const expired = () => new Error('no connection in time')
    try {
      // Who lacks a password hears so clearly only of a short command: long ones end the connection.
      const opening = client.connect().then((open) => open.sendCommand(['PING']))
      await within({ clock, timeoutMs: this.roundTrip.timeoutMs, expired }, opening)
      return client
    } catch (cause) {
      client.destroy()
      if (cause instanceof ErrorReply) throw cause
      throw new ConnectionFailed({ isSent: false, reason: 'it cannot be reached.' }, { cause })
    }
  }

  #drop(client: Client, connecting: Promise<Client>): void {
    if (this.#client === connecting) this.#client = undefined
    client.destroy()
  }
}

function newClient({ endpoint, access }: ConnectionOptions) {
  const { username, password, database, isTls } = access
  const { host, port } = endpoint
  return createClient({
    RESP: 2,
    // Connecting, waiting and trying again are this file's, on the clock that it was given.
    socket: { host, port, connectTimeout: 0, reconnectStrategy: false, ...(isTls ? { tls: true } : {}) },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    commandsQueueMaxLength: COMMANDS_MAX,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandOptions: { timeout: 0 },
  })
}

async function sendOne(client: Client, command: Command): Promise<Reply> {
  try {
    return await client.sendCommand<Reply>([...command], BUFFERS)
  } catch (error) {
    if (error instanceof ErrorReply) return error
    throw error
  }
}
