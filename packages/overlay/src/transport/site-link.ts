/**
 * All requests to one site, or to one peer of it: one HTTP/2 session, made when it is needed and made anew after it was lost.
 *
 *     idle ──request──▶ connecting ──▶ connected ──lost, closed by the peer, unused──▶ idle
 *      ▲                    │ failed
 *      └──── backing off ◀──┘   requests are refused at once: nobody waits for a site that is away
 */

import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { type CancelTimer, type Clock, fraction, Limiter, type Logger, type Random } from '@atoll/kit'
import { PeerIdentityInvalid } from '../trust/errors.ts'
import { type CredentialSource, type PeerCredentials, shownCertificates } from '../trust/key-ring.ts'
import { peerIdentityOf } from '../trust/peer-identity.ts'
import { Deadline } from './deadline.ts'
import { type Address, type Connection, dial } from './dial.ts'
import { PeerUnreachable, type UnreachableReason } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { PeerRequest, PeerResponse } from './peer-transport.ts'
import { RoundTrip } from './round-trip.ts'
import type { Http2TransportSettings } from './settings.ts'

export interface SiteLinkOptions {
  readonly site: string
  /** The only one that may answer, if it is named. */
  readonly peer?: string
  readonly credentials: CredentialSource
  readonly resolve: () => readonly Address[] | Promise<readonly Address[]>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly settings: Http2TransportSettings
}

export class SiteLink {
  readonly roundTrip: RoundTrip
  readonly #options: SiteLinkOptions
  readonly #limiter: Limiter
  readonly #abort = new AbortController()
  #connection: Connection | undefined
  /** With which keys it was made. */
  #shown: PeerCredentials | undefined
  #connecting: Promise<Connection> | undefined
  #ping: (() => void) | undefined
  #underWay = 0
  #lastUsedMs = 0
  #failures = 0
  #retryAtMs = Number.NEGATIVE_INFINITY
  /** Where the session that was lost led, or the last try failed: the others of the site come first next time. */
  readonly #doubtful = new Set<string>()
  /** Ended by us, since nobody used them. */
  readonly #unused = new WeakSet<Connection>()

  constructor(options: SiteLinkOptions) {
    const { site, settings } = options
    this.#options = options
    this.roundTrip = new RoundTrip(settings.roundTrip)
    const { requestsMax: concurrencyMax, waitingMax } = settings
    this.#limiter = new Limiter({ what: `site ${site}`, concurrencyMax, waitingMax })
  }

  /** See `PeerTransport.request`. */
  async request(request: PeerRequest): Promise<PeerResponse> {
    const { clock, settings } = this.#options
    const answer = Promise.withResolvers<PeerResponse>()
    let exchange: Exchange | undefined
    const deadline = new Deadline({
      clock,
      timeoutMs: request.timeoutMs ?? this.roundTrip.timeoutMs(settings.workMsMax),
      signal: request.signal,
      onTimeout: () => {
        // Either the work is slow or the site is gone: the next request should not have to find out.
        this.#ping?.()
        return this.#unreachable('timeout', exchange?.mayHaveBeenDone ?? false)
      },
    })
    const whole = this.#limiter.run(async () => {
      const { session } = await deadline.race(this.#connected())
      deadline.signal.throwIfAborted()
      exchange = new Exchange({ session, request, deadline })
      exchange.answer.then(answer.resolve, answer.reject)
      this.#underWay++
      // The place is taken until the answer has been read.
      await exchange.closed
      this.#underWay--
      this.#lastUsedMs = clock.monotonicMs()
    })
    whole.catch(answer.reject).finally(() => deadline[Symbol.dispose]())
    try {
      return await deadline.race(answer.promise)
    } catch (error) {
      if (request.body && 'destroy' in request.body) request.body.destroy()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#abort.abort(this.#unreachable('closed', false))
    const connection = this.#connection
    if (!connection || connection.session.destroyed) return connection?.destroy()
    const closed = new Promise<void>((resolve) => connection.session.once('close', () => resolve()))
    connection.destroy()
    await closed
  }

  async #connected(): Promise<Connection> {
    this.#abort.signal.throwIfAborted()
    const { session } = this.#connection ?? {}
    if (this.#connection && !session?.closed && !session?.destroyed) {
      if (this.#isUpToDate()) return this.#connection
      // The other end goes by the certificate that it was shown, until it ends: what is under way is finished there.
      this.#unused.add(this.#connection)
      session?.close()
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<Connection> {
    const { clock, random, log, settings, site } = this.#options
    const waitMs = this.#retryAtMs - clock.monotonicMs()
    if (waitMs > 0) throw this.#unreachable('no_connection', false, { retryAfterMs: waitMs })
    try {
      const connection = await this.#dialAny()
      this.#failures = 0
      this.#connection = connection
      this.#watch(connection)
      log.debug({ site }, 'connected')
      return connection
    } catch (error) {
      const ceilingMs = Math.min(settings.backoffMsMax, settings.backoffMs * 2 ** this.#failures)
      this.#failures++
      this.#retryAtMs = clock.monotonicMs() + fraction(random) * ceilingMs
      throw error
    }
  }

  /** False when a renewal has replaced what the other end was shown. */
  #isUpToDate(): boolean {
    const { peer, site } = this.#options.credentials.keys
    return (
      this.#shown?.peer.certificate === peer.certificate && this.#shown.site.certificate === site.certificate
    )
  }

  /** Tries the addresses in turn, those that have just failed at the end; the error of the last one is the cause. */
  async #dialAny(): Promise<Connection> {
    const { site, resolve, credentials, clock, log, settings } = this.#options
    let failure: unknown
    for (const address of this.#inOrder(await resolve())) {
      const { keys } = credentials
      const { cloudAuthority, peer } = keys
      const authority = new X509Certificate(cloudAuthority.certificate)
      using deadline = new Deadline({
        clock,
        timeoutMs: this.roundTrip.timeoutMs(0),
        onTimeout: () => this.#unreachable('no_connection', false),
        signal: this.#abort.signal,
      })
      try {
        const connection = await dial({
          address,
          tls: {
            ca: cloudAuthority.certificate,
            cert: shownCertificates(keys),
            key: peer.privateKey,
          },
          verify: (socket) => this.#verify(socket, authority),
          streamWindowBytes: settings.streamWindowBytes,
          sessionWindowBytes: settings.sessionWindowBytes,
          signal: deadline.signal,
        })
        this.#doubtful.delete(keyOf(address))
        this.#shown = keys
        connection.session.once('close', () => {
          if (!this.#unused.has(connection)) this.#doubt(address)
        })
        return connection
      } catch (error) {
        this.#abort.signal.throwIfAborted()
        log.debug({ site, address, err: error }, 'cannot connect')
        failure = error
        this.#doubt(address)
      }
    }
    const reason = PeerIdentityInvalid.is(failure) ? 'wrong_identity' : 'no_connection'
    throw this.#unreachable(reason, false, { cause: failure })
  }

  #verify(socket: TLSSocket, cloudAuthority: X509Certificate): void {
    const identity = peerIdentityOf(socket, { cloudAuthority, nowMs: this.#options.clock.nowMs() })
    const { site, peer } = this.#options
    if (identity.site !== site) throw PeerIdentityInvalid({ reason: 'it is of another site' })
    if (peer !== undefined && identity.peer !== peer)
      throw PeerIdentityInvalid({ reason: 'it is another peer of the site' })
  }

  #inOrder(addresses: readonly Address[]): readonly Address[] {
    const isDoubtful = (address: Address) => this.#doubtful.has(keyOf(address))
    // Of an address that is not given any more nothing need be remembered.
    for (const key of this.#doubtful)
      if (!addresses.some((address) => keyOf(address) === key)) this.#doubtful.delete(key)
    return [...addresses.filter((address) => !isDoubtful(address)), ...addresses.filter(isDoubtful)]
  }

  #doubt(address: Address): void {
    this.#doubtful.add(keyOf(address))
  }

  /** Pings: they measure the round trip, find a dead session, and end one that nobody uses. */
  #watch(connection: Connection): void {
    const { session } = connection
    const { clock, log, settings, site } = this.#options
    let cancel: CancelTimer = () => {}
    const ping = () => {
      cancel()
      if (session.destroyed) return
      const startedMs = clock.monotonicMs()
      if (!session.closed && this.#underWay === 0 && startedMs - this.#lastUsedMs > settings.idleMsMax) {
        this.#unused.add(connection)
        return session.close()
      }
      cancel = clock.after(this.roundTrip.timeoutMs(0), () =>
        connection.destroy(new Error('no answer to a ping')),
      )
      session.ping((error) => {
        cancel()
        // The session has ended, which its own events tell.
        if (error) return
        this.roundTrip.measured(clock.monotonicMs() - startedMs)
        cancel = clock.after(settings.pingIntervalMs, ping)
      })
    }
    session.on('error', (error) => log.debug({ site, err: error }, 'connection failed'))
    session.once('close', () => {
      cancel()
      if (this.#ping === ping) this.#ping = undefined
    })
    this.#lastUsedMs = clock.monotonicMs()
    this.#ping = ping
    ping()
  }

  #unreachable(
    reason: UnreachableReason,
    mayHaveBeenDone: boolean,
    options?: { cause?: unknown; retryAfterMs?: number },
  ) {
    return PeerUnreachable({ site: this.#options.site, reason, mayHaveBeenDone }, options)
  }
}

const keyOf = ({ host, port }: Address): string => `${host} ${port}`
