/** Opens an HTTP/2 session over TLS 1.3 to one address, and sends nothing before the other end is verified. */

import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Connection {
  readonly session: ClientHttp2Session
  /**
   * Ends the connection now. `session.destroy` is not enough: on a session that is closing, Node waits for the
   * other end to close its side, which a silent one never does.
   */
  destroy(error?: Error): void
}

export interface DialOptions {
  readonly address: Address
  /** Our certificate and key, and the authority that we trust. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>
  /** Throws when the other end is not whom we want. */
  readonly verify: (socket: TLSSocket) => void
  /** Bytes in flight per stream and per session; one stream carries at most windowBytes per round trip. */
  readonly streamWindowBytes: number
  readonly sessionWindowBytes: number
  readonly signal: AbortSignal
}

/** @throws whatever the network, TLS, `verify` or the signal gives */
export async function dial(options: DialOptions): Promise<Connection> {
  const { address, tls, verify, signal, streamWindowBytes, sessionWindowBytes } = options
  const socket = connectTls({
    ...tls,
    host: address.host,
    port: address.port,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
    // Peers are known by the names in their certificates, not by host names; `verify` decides.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  try {
    await once(socket, 'secureConnect', { signal })
    verify(socket)
    if (socket.alpnProtocol !== 'h2') throw new Error('the other end does not speak HTTP/2')
  } catch (error) {
    // What the socket may still say is about a connection that nobody wants any more.
    socket.on('error', () => {}).destroy()
    throw error
  }
  socket.setNoDelay(true)
  const session = connectHttp2(
    `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
    {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    },
  )
  await once(session, 'connect', { signal })
  session.setLocalWindowSize(sessionWindowBytes)
  const destroy = (error?: Error) => {
    session.destroy(error)
    socket.destroy()
  }
  return { session, destroy }
}
