/** The server side of the transport between sites. */

import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
  type ServerHttp2Session,
} from 'node:http2'
import type { Socket } from 'node:net'
import { AtollError, type Clock, type Logger, silentLogger } from '@atoll/kit'
import type { PeerIdentity } from '../trust/identity.ts'
import { type CredentialSource, shownCertificates } from '../trust/key-ring.ts'
import type { Address } from './dial.ts'
import { createPeerGate, type GateSocket } from './peer-gate.ts'
import { defaultPeerListenerSettings, type PeerListenerSettings } from './settings.ts'

/** @param identity undefined only on the join path */
export type PeerRequestHandler = (
  identity: PeerIdentity | undefined,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
) => void | Promise<void>

export interface PeerListenerOptions {
  readonly credentials: CredentialSource
  readonly clock: Clock
  readonly log?: Logger
  readonly joinPath?: string
  readonly settings?: Partial<PeerListenerSettings>
  readonly onRequest: PeerRequestHandler
}

export interface PeerListener {
  /** Binds, and returns the address that it got. Port 0 takes a free one. */
  listen(address: Address): Promise<Address>
  /** Shows the credentials of the moment to those who connect from now on. To be called after a renewal. */
  renew(): void
  /** Takes no more requests, and waits for those under way, but not longer than `drainMsMax`. */
  close(): Promise<void>
}

/**
 * Options for `http2.createSecureServer`, or for Fastify:
 * `fastify({ http2: true, https: peerServerOptions(credentials) })`. Certificates are asked for, and judged by a
 * `PeerGate` at each request, since those who join have none. The chain is shown with the cloud authority, so that
 * a joiner can compare it with the hash in its token.
 */
export function peerServerOptions(
  credentials: CredentialSource,
  settings: Partial<PeerListenerSettings> = {},
): SecureServerOptions {
  const { streamsMax, handshakeMsMax, streamWindowBytes } = { ...defaultPeerListenerSettings, ...settings }
  return {
    ...tlsOptions(credentials),
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
    allowHTTP1: false,
    handshakeTimeout: handshakeMsMax,
    settings: { maxConcurrentStreams: streamsMax, initialWindowSize: streamWindowBytes },
  }
}

export function createPeerListener(options: PeerListenerOptions): PeerListener {
  const { credentials, clock, log = silentLogger, onRequest } = options
  const settings = { ...defaultPeerListenerSettings, ...options.settings }
  const gate = createPeerGate(options)
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const server = createSecureServer(peerServerOptions(credentials, settings), (request, response) => {
    respond().catch((error: unknown) => answerError(error, response, log))
    async function respond(): Promise<void> {
      await onRequest(gate(request.socket as GateSocket, request.url), request, response)
    }
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.once('connect', () => session.setLocalWindowSize(settings.sessionWindowBytes))
  })
  for (const event of ['sessionError', 'tlsClientError'] as const) {
    server.on(event, (error: Error) => log.debug({ err: error }, 'connection failed'))
  }
  return {
    listen: (address) => listen(server, address),
    renew: () => server.setSecureContext(tlsOptions(credentials)),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      const cancel = clock.after(settings.drainMsMax, () => {
        // Not the sessions: one that is closing waits for the other end, which may be silent.
        for (const socket of sockets) socket.destroy()
      })
      await closed
      cancel()
    },
  }
}

function tlsOptions({ keys }: CredentialSource) {
  const { certificate } = keys.cloudAuthority
  return { ca: certificate, cert: shownCertificates(keys) + certificate, key: keys.peer.privateKey }
}

function listen(server: Http2SecureServer, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      const bound = server.address()
      resolve({ host, port: typeof bound === 'object' && bound ? bound.port : port })
    })
  })
}

function answerError(error: unknown, response: Http2ServerResponse, log: Logger): void {
  const isExpected = error instanceof AtollError
  if (!isExpected) log.error({ err: error }, 'request of a peer failed')
  if (response.headersSent) {
    response.stream.destroy()
    return
  }
  const { status, code, message } = isExpected
    ? error
    : { status: 500, code: 'overlay.peer.failed', message: 'The peer failed to answer.' }
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { code: status, title: code, message } }))
}
