/** Who the peers are and how to reach them: trust, transport between sites, and the protocols of the overlay. */

export * from './positions/position.ts'
export * from './positions/positions.ts'
export * from './positions/settings.ts'
export * from './protocol/contact.ts'
export * from './protocol/environment.ts'
export * from './protocol/message.ts'
export * from './protocol/protocol.ts'
export * from './protocol/protocol-set.ts'
export * from './protocol/rider.ts'
export type { Address } from './transport/dial.ts'
export * from './transport/errors.ts'
export { endToEndHeaders } from './transport/headers.ts'
export * from './transport/http2-transport.ts'
export * from './transport/mock-network.ts'
export type { MockHandler, MockRequest, MockResponse } from './transport/mock-transport.ts'
export * from './transport/peer-gate.ts'
export * from './transport/peer-listener.ts'
export * from './transport/peer-transport.ts'
export * from './transport/request-join.ts'
export * from './transport/round-trip.ts'
export * from './transport/settings.ts'
export * from './trust/authority.ts'
export {
  createSigningRequest,
  exportPublicKey,
  fingerprintOf,
  generatePrivateKey,
  readSigningRequest,
} from './trust/certificate.ts'
export * from './trust/errors.ts'
export * from './trust/identity.ts'
export * from './trust/join.ts'
export * from './trust/join-token.ts'
export * from './trust/jws.ts'
export * from './trust/key-ring.ts'
export * from './trust/key-store.ts'
export * from './trust/peer-identity.ts'
export * from './trust/site-signer.ts'
export * from './trust/validity.ts'
