/** What every other package stands on: errors, ids, time, randomness, bounds, and services that run and stop. */

export * from './assert.ts'
export * from './clock.ts'
export * from './define-error.ts'
export * from './id.ts'
export * from './limiter.ts'
export * from './log.ts'
export * from './random.ts'
export * from './reconciler.ts'
export * from './refresher.ts'
export * from './retry.ts'
export * from './service.ts'
