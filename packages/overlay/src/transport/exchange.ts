/** One request and its answer on an HTTP/2 session. */

import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AtollError } from '@atoll/kit'
import type { Deadline } from './deadline.ts'
import { PeerUnreachable } from './errors.ts'
import { endToEndHeaders } from './headers.ts'
import type { PeerRequest, PeerResponse } from './peer-transport.ts'

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants

export class Exchange {
  /** Rejects with the reason of the signal, or with `PeerUnreachable`, whose cause may be the caller's own body. */
  readonly answer: Promise<PeerResponse>
  /** Resolves when nothing of the exchange is under way any more. */
  readonly closed: Promise<void>
  readonly #site: string
  readonly #stream: ClientHttp2Stream
  readonly #deadline: Deadline

  /** Callers dispose of the deadline after `closed`. @throws PeerUnreachable when the session has just ended */
  constructor(options: { session: ClientHttp2Session; request: PeerRequest; deadline: Deadline }) {
    const { session, request, deadline } = options
    this.#site = request.site
    this.#deadline = deadline
    this.#stream = this.#open(session, request)
    const cancel = () => this.#stream.close(NGHTTP2_CANCEL)
    deadline.signal.addEventListener('abort', cancel, { once: true })
    this.closed = new Promise((resolve) => {
      this.#stream.once('close', () => {
        deadline.signal.removeEventListener('abort', cancel)
        resolve()
      })
    })
    this.answer = this.#receive()
    this.#send(request.body)
  }

  /**
   * A request that never left has not been done, nor has one that the peer refused to look at: by name, or as one
   * above the last that it names when it goes away (RFC 9113 §6.8), which nghttp2 turns into the same code.
   */
  get mayHaveBeenDone(): boolean {
    const { id, rstCode } = this.#stream
    return id !== undefined && rstCode !== NGHTTP2_REFUSED_STREAM
  }

  #open(session: ClientHttp2Session, { method, path, headers = {}, body }: PeerRequest): ClientHttp2Stream {
    try {
      const requestHeaders = { ...endToEndHeaders(headers), ':method': method, ':path': path }
      return session.request(requestHeaders, { endStream: body === undefined })
    } catch (cause) {
      if (!session.destroyed && !session.closed) throw cause
      const detail = { site: this.#site, reason: 'connection_lost', mayHaveBeenDone: false } as const
      throw PeerUnreachable(detail, { cause })
    }
  }

  #send(body: Buffer | Readable | undefined): void {
    if (body === undefined) return
    if (!(body instanceof Readable)) {
      this.#stream.end(body)
      return
    }
    const deadline = this.#deadline
    const counted = async function* (source: AsyncIterable<unknown>) {
      for await (const piece of source) {
        deadline.restart()
        yield piece
      }
    }
    // A failure of either side destroys the other; the one of the stream is told by `answer`.
    pipeline(body, counted, this.#stream).catch((error: unknown) => this.#stream.destroy(asError(error)))
  }

  #receive(): Promise<PeerResponse> {
    const stream = this.#stream
    const { signal } = this.#deadline
    return new Promise((resolve, reject) => {
      let failure: Error | undefined
      stream.once('error', (error: Error) => {
        failure = error
      })
      stream.once('response', (headers) => {
        this.#deadline.stop()
        const { ':status': status = 0 } = headers
        resolve({ status, headers: endToEndHeaders(headers), body: this.#body() })
      })
      stream.once('close', () => reject(signal.aborted ? signal.reason : this.#lost(failure)))
    })
  }

  /**
   * The body of the answer. Node ends a stream that the other side has cancelled as if it were whole, so the end is
   * looked at here: a body that was cut short always fails.
   */
  #body(): Readable {
    const stream = this.#stream
    const { signal } = this.#deadline
    const failure = () => (signal.aborted ? signal.reason : this.#lost())
    const isWhole = () => !stream.aborted && stream.rstCode === NGHTTP2_NO_ERROR && !signal.aborted
    const body = new Transform({
      transform: (piece, _encoding, done) => done(null, piece),
      flush: (done) => done(isWhole() ? null : failure()),
      destroy: (error, done) => {
        stream.close(NGHTTP2_CANCEL)
        done(error)
      },
    })
    stream.once('error', (cause) => body.destroy(signal.aborted ? signal.reason : this.#lost(cause)))
    stream.once('close', () => {
      if (!stream.readableEnded) body.destroy(failure())
    })
    stream.pipe(body)
    return body
  }

  #lost(cause?: Error): AtollError {
    const { mayHaveBeenDone } = this
    return PeerUnreachable({ site: this.#site, reason: 'connection_lost', mayHaveBeenDone }, { cause })
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the body failed', { cause: error })
}
