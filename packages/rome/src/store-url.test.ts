/** Addresses of stores as operators write them. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { StoreUrlInvalid } from './errors.ts'
import { parseStoreUrl } from './store-url.ts'

suite('the address of a store', () => {
  test('names user, password, servers, database and parameters', () => {
    const url = parseStoreUrl('redis://atoll:se%40cret@192.0.2.7:6379/3?tls=yes')
    assert.deepEqual(
      { ...url, parameters: [...url.parameters] },
      {
        scheme: 'redis',
        user: 'atoll',
        password: 'se@cret',
        servers: [{ host: '192.0.2.7', port: 6379 }],
        path: '3',
        parameters: [['tls', 'yes']],
        withoutPassword: 'redis://atoll:***@192.0.2.7:6379/3',
      },
    )
  })

  test('may have several servers, those of IPv6 in brackets, with or without ports', () => {
    const { servers, withoutPassword } = parseStoreUrl('etcd://a:2379,[2001:db8::7]:2380,c')
    assert.deepEqual(servers, [
      { host: 'a', port: 2379 },
      { host: '2001:db8::7', port: 2380 },
      { host: 'c', port: undefined },
    ])
    assert.equal(withoutPassword, 'etcd://a:2379,[2001:db8::7]:2380,c')
  })

  test('may be a file', () => {
    const { scheme, servers, path } = parseStoreUrl('sqlite:/var/lib/atoll/state.sqlite')
    assert.deepEqual(
      { scheme, servers, path },
      { scheme: 'sqlite', servers: [], path: '/var/lib/atoll/state.sqlite' },
    )
  })

  test('is shown without its password, whatever else is odd about it', () => {
    for (const text of [
      'redis://:hunter2@h',
      'postgresql://u:hunter2@h:1/db?password=hunter2',
      'x://hunter2:hunter2@h',
    ])
      assert.doesNotMatch(parseStoreUrl(text).withoutPassword.replace('x://hunter2', ''), /hunter2/)
  })

  test('is refused without showing what it was', () => {
    for (const text of ['hunter2', 'redis://u:hunter2@h:99999', 'redis://%:hunter2@h', '://hunter2']) {
      assert.throws(
        () => parseStoreUrl(text),
        (error) => StoreUrlInvalid.is(error) && !String(error).includes('hunter2'),
        text,
      )
    }
  })
})
