/** Keystone v3: who is there, what they may do, and where to find the APIs. */

export { type BootstrapOptions, bootstrapIdentity } from './bootstrap.ts'
export {
  atollServices,
  type Catalog,
  type CatalogEndpoint,
  type CatalogEntry,
  type CatalogService,
  createCatalog,
} from './catalog/catalog.ts'
export * from './errors.ts'
export type { Identity } from './identity.ts'
export { createIdentityApi } from './identity-api.ts'
export { createPasswords, type PasswordSettings, type Passwords } from './passwords/passwords.ts'
export { createTestPasswords } from './passwords/test-passwords.ts'
export type { RecordSites } from './projects/kept-at.ts'
export { sitesOfProject } from './projects/sites-of-project.ts'
export * from './records.ts'
export { identityRules } from './rules.ts'
export type { TokenClaims } from './tokens/claims.ts'
export { createRevocationForgetter, type ForgetOptions } from './tokens/forget-revocations.ts'
export {
  createTokens,
  type IssuedToken,
  type Token,
  type TokenKeys,
  type TokenSubject,
  type Tokens,
  type TokensOptions,
} from './tokens/tokens.ts'
