/** Records with a home, numbered changes, the feed, scopes and shares: the state of one site. */

export type { Change } from '@atoll/rome'

export * from './changed-records.ts'
export * from './define-record.ts'
export * from './errors.ts'
export * from './feed.ts'
export * from './inherited-shares.ts'
export * from './numbers.ts'
export { openTestState, type TestStateOptions, trustEverybody } from './open-test-state.ts'
export * from './ownership.ts'
export type { Reader, SelectOf } from './reader.ts'
export * from './scope.ts'
export * from './share-test-store.ts'
export * from './shares.ts'
export * from './site-scope.ts'
export * from './state.ts'
export * from './tables.ts'
export {
  type NewRecord,
  type Patch,
  type Site,
  type SitesOfProject,
  StateTransaction,
} from './transaction.ts'
