/** Who the peers are and how to reach them: trust, and transport between sites. */

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
