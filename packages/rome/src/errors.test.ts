import assert from 'node:assert/strict'
import test from 'node:test'
import {
  OutcomeUnknown,
  StoreCorrupt,
  StoreFull,
  StoreInUse,
  StoreMisconfigured,
  StoreNewer,
  StoreReadOnly,
  StoreUnavailable,
} from './errors.ts'

const WHERE = 'Redis at 192.0.2.7:6379'

test('operators read where a store is, clients do not', () => {
  const errors = [
    StoreUnavailable({ path: WHERE, reason: 'connect ECONNREFUSED 192.0.2.7:6379' }),
    OutcomeUnknown({ store: WHERE }),
    StoreReadOnly({ store: WHERE }),
    StoreFull({ reason: `The store ${WHERE} has reached its maxmemory` }),
    StoreCorrupt({ path: WHERE }),
    StoreInUse({ path: WHERE }),
    StoreNewer({ path: WHERE, version: 2, known: 1 }),
    StoreMisconfigured({ path: WHERE, advice: 'set appendfsync always at 192.0.2.7' }),
  ]
  for (const error of errors) {
    assert.match(error.message, /Redis at 192\.0\.2\.7/)
    assert.doesNotMatch(error.publicMessage, /192\.0\.2\.7|Redis/)
    assert.ok(error.publicMessage.length < 140, error.publicMessage)
  }
})
