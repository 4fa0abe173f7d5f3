/**
 * A client of the QEMU Machine Protocol (docs/interop/qmp-spec of QEMU): JSON lines over a unix socket, commands
 * with ids, events at any time. QEMU serves one client per monitor; a second one waits in vain for the greeting.
 */

import { createConnection, type Socket } from 'node:net'
import type { CancelTimer, Clock } from '@atoll/kit'
import { QmpCommandFailed, QmpDisconnected, QmpTimedOut, QmpTooBusy } from '../errors.ts'

/** The commands in use, with the shapes of QEMU's QAPI schema (qapi/*.json). */
export interface QmpCommands {
  readonly qmp_capabilities: QmpCommand<NoArguments, object>
  readonly 'query-status': QmpCommand<
    NoArguments,
    { readonly status: QmpRunState; readonly running: boolean }
  >
  readonly system_powerdown: QmpCommand<NoArguments, object>
  readonly system_reset: QmpCommand<NoArguments, object>
  readonly stop: QmpCommand<NoArguments, object>
  readonly cont: QmpCommand<NoArguments, object>
  readonly quit: QmpCommand<NoArguments, object>
  readonly 'set-action': QmpCommand<{ readonly shutdown: 'poweroff' | 'pause' }, object>
  readonly 'chardev-change': QmpCommand<{ readonly id: string; readonly backend: FileBackend }, object>
}

/** QAPI's `RunState`: running, shutdown, paused, guest-panicked, internal-error, io-error …; newer QEMUs know more. */
export type QmpRunState = string

export type QmpEvent =
  | {
      readonly kind: 'event'
      readonly name: string
      readonly data: Readonly<Record<string, unknown>>
      readonly timestampMs: number
    }
  | { readonly kind: 'disconnected'; readonly cause: Error }

export interface QmpClientOptions {
  readonly path: string
  readonly clock: Clock
  /** For a command, and for the greeting. QEMU answers in milliseconds unless its main loop hangs on a disk. */
  readonly timeoutMs?: number
  /** A longer line breaks the connection. The longest reply in use is below 1 KiB. */
  readonly lineLengthMax?: number
  readonly outstandingMax?: number
}

export interface ExecuteOptions {
  readonly timeoutMs?: number
}

interface QmpCommand<Arguments, Returns> {
  readonly arguments: Arguments
  readonly returns: Returns
}
type Message = Readonly<Record<string, unknown>>
type NoArguments = Record<never, never>
interface FileBackend {
  readonly type: 'file'
  readonly data: { readonly out: string; readonly append: boolean }
}
interface Outstanding {
  readonly command: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly cancelTimer: CancelTimer
}

/** The greeting takes the place of a reply to the command with this id, which is never sent. */
const GREETING_ID = 0

export class QmpClient {
  readonly #options: Required<QmpClientOptions>
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #listeners = new Set<(event: QmpEvent) => void>()
  #socket: Socket | undefined
  #disconnection: Error | undefined
  #received = ''
  #idLast = GREETING_ID

  constructor(options: QmpClientOptions) {
    this.#options = { timeoutMs: 5_000, lineLengthMax: 1024 * 1024, outstandingMax: 32, ...options }
  }

  /**
   * Connects and negotiates. Call it once; subscribe before, so that no event is missed.
   *
   * @throws QmpDisconnected when nobody listens, or the other side is no QEMU
   * @throws QmpTimedOut when QEMU serves another client
   */
  async open(): Promise<void> {
    const socket = createConnection({ path: this.#options.path })
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('error', (error) => this.#disconnect(error.message, error))
    socket.on('close', () => this.#disconnect('QEMU closed it'))
    try {
      await this.#expect(GREETING_ID, 'the greeting', this.#options.timeoutMs)
      await this.execute('qmp_capabilities', {})
    } catch (error) {
      this.#disconnect('negotiation failed', error)
      throw error
    }
  }

  /** The listener hears `disconnected` once, and nothing after it. Returns the unsubscription. */
  subscribe(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Runs one command. Replies may arrive in any order.
   *
   * @throws QmpCommandFailed with QEMU's error class and words
   * @throws QmpTimedOut, after which the command may still take effect
   * @throws QmpDisconnected @throws QmpTooBusy
   */
  async execute<Name extends keyof QmpCommands>(
    command: Name,
    commandArguments: QmpCommands[Name]['arguments'],
    { timeoutMs = this.#options.timeoutMs }: ExecuteOptions = {},
  ): Promise<QmpCommands[Name]['returns']> {
    const { path, outstandingMax } = this.#options
    const socket = this.#socket
    if (this.#disconnection) throw this.#disconnection
    if (!socket) throw QmpDisconnected({ path, reason: 'it was never opened' })
    if (this.#outstanding.size >= outstandingMax) throw QmpTooBusy({ path, outstandingMax })
    const id = ++this.#idLast
    socket.write(`${JSON.stringify({ execute: command, arguments: commandArguments, id })}\n`)
    return (await this.#expect(id, command, timeoutMs)) as QmpCommands[Name]['returns']
  }

  /** Ends the connection; the guest does not notice. Outstanding commands fail with QmpDisconnected. */
  close(): void {
    this.#disconnect('closed by us')
  }

  #expect(id: number, command: string, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(timeoutMs, () => {
        this.#outstanding.delete(id)
        reject(QmpTimedOut({ command, timeoutMs }))
      })
      this.#outstanding.set(id, { command, resolve, reject, cancelTimer })
    })
  }

  #receive(text: string): void {
    const lines = (this.#received + text).split('\n')
    this.#received = lines.pop() ?? ''
    const { lineLengthMax } = this.#options
    if ([...lines, this.#received].some((line) => line.length > lineLengthMax)) {
      this.#disconnect(`a line exceeds ${lineLengthMax} characters`)
    }
    for (const line of lines) {
      if (this.#disconnection) return
      const message = parseMessage(line)
      if (message) this.#dispatch(message)
      else this.#disconnect(`not a QMP message: ${line.slice(0, 80)}`)
    }
  }

  #dispatch(message: Message): void {
    const id = 'QMP' in message ? GREETING_ID : message.id
    if ('event' in message) this.#emit(eventOf(message))
    else if (typeof id === 'number') this.#settle(id, message)
    // An error without an id says that QEMU could not read what we sent: nothing after it can be trusted.
    else this.#disconnect(`a reply without id: ${JSON.stringify(message).slice(0, 200)}`)
  }

  #settle(id: number, message: Message): void {
    const outstanding = this.#outstanding.get(id)
    // Its command has timed out.
    if (!outstanding) return
    this.#outstanding.delete(id)
    outstanding.cancelTimer()
    const { command, resolve, reject } = outstanding
    const failure = recordOf(message.error)
    if (!failure) resolve(message.return)
    else
      reject(
        QmpCommandFailed({ command, errorClass: String(failure.class), description: String(failure.desc) }),
      )
  }

  #emit(event: QmpEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  #disconnect(reason: string, cause?: unknown): void {
    if (this.#disconnection) return
    const error = QmpDisconnected({ path: this.#options.path, reason }, { cause })
    this.#disconnection = error
    this.#received = ''
    this.#socket?.destroy()
    for (const { reject, cancelTimer } of this.#outstanding.values()) {
      cancelTimer()
      reject(error)
    }
    this.#outstanding.clear()
    this.#emit({ kind: 'disconnected', cause: error })
    this.#listeners.clear()
  }
}

function parseMessage(line: string): Message | undefined {
  try {
    return recordOf(JSON.parse(line))
  } catch {
    // The caller breaks the connection, which says it better than the parser could.
    return undefined
  }
}

function eventOf(message: Message): QmpEvent {
  const { seconds = 0, microseconds = 0 } = recordOf(message.timestamp) ?? {}
  return {
    kind: 'event',
    name: String(message.event),
    data: recordOf(message.data) ?? {},
    timestampMs: Number(seconds) * 1000 + Number(microseconds) / 1000,
  }
}

function recordOf(value: unknown): Message | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : undefined
}
