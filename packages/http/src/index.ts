/** The OpenStack server kit: what every API shares, so that a service is only its endpoints and what they do. */

export * from './authorization.ts'
export * from './endpoint.ts'
export * from './errors.ts'
export * from './faults.ts'
export * from './microversion.ts'
export * from './paging.ts'
export * from './policy.ts'
export { type Gate, registerApi } from './register-api.ts'
export * from './routing.ts'
export { type ServerOptions, serverOptions } from './server-options.ts'
export { validateBody, validateQuery } from './validate.ts'
