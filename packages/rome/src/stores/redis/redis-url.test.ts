import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUrlInvalid } from '../../errors.ts'
import { parseStoreUrl } from '../../store-url.ts'
import { readRedisUrl } from './redis-url.ts'

const read = (text: string) => readRedisUrl(parseStoreUrl(text))

test('an address without parameters has defaults', () => {
  assert.deepEqual(read('redis://a'), {
    isCluster: false,
    endpoints: [{ host: 'a', port: 6379 }],
    access: { username: undefined, password: undefined, database: 0, isTls: false },
    namespace: 'rome',
    replicas: undefined,
    shards: undefined,
    configuration: 'check',
    description: 'redis://a',
  })
})

test('an address says how a store is used', () => {
  const url = read(
    'rediss-cluster://u:p%40@a:1,[2001:db8::7]:2?namespace=x&replicas=2&shards=16&configuration=set',
  )
  assert.deepEqual(
    [
      url.isCluster,
      url.access.isTls,
      url.access.password,
      url.namespace,
      url.replicas,
      url.shards,
      url.configuration,
    ],
    [true, true, 'p@', 'x', 2, 16, 'set'],
  )
  assert.deepEqual(url.endpoints.at(1), { host: '2001:db8::7', port: 2 })
  assert.equal(read('redis://a/3').access.database, 3)
})

test('an address that asks for what there is not is refused', () => {
  for (const text of [
    'etcd://a',
    'redis://a/b',
    'redis-cluster://a/1',
    'redis://a?replica=1',
    'redis://a?replicas=-1',
    'redis://a?replicas=1.5',
    'redis://a?replicas=',
    'redis-cluster://a?shards=0',
    'redis-cluster://a?shards=1000',
    'redis://a?configuration=ignore',
    'redis://a?namespace={x}',
  ])
    assert.throws(() => read(text), StoreUrlInvalid.is, text)
})
