/**
 * Runs as a short-lived child inside a network namespace: opens a listening socket, hands it to its parent and ends.
 * A socket belongs for life to the namespace it was made in, whoever serves it; Node itself cannot enter a namespace.
 *
 * usage: node open-socket.ts <address> <port>
 */

import { createServer } from 'node:net'

const [address, port] = process.argv.slice(2)
// What connects before the parent listens is let go at once, and asks again.
const server = createServer((socket) => socket.destroy())
server.listen({ host: address, port: Number(port), exclusive: true }, () => {
  process.send?.('listening', server, {}, () => process.exit(0))
})
