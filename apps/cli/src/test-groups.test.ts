import assert from 'node:assert/strict'
import test from 'node:test'
import { testGroups } from './test-groups.ts'

test('all tests run, packages before what stands on them', () => {
  const places = testGroups([]).map(({ place }) => place)
  assert.ok(places.includes('apps/cli'))
  assert.ok(places.indexOf('packages/kit') < places.indexOf('services/identity'))
  assert.ok(places.indexOf('services/identity') < places.indexOf('apps/cli'))
  assert.equal(new Set(places).size, places.length)
})

test('a place may be a folder with a slash or one file', () => {
  const [folder, file] = testGroups(['./packages/kit/', 'packages/kit/src/id.test.ts'])
  assert.equal(folder?.place, 'packages/kit')
  assert.ok(folder?.files.includes('packages/kit/src/id.test.ts'))
  assert.deepEqual(file?.files, ['packages/kit/src/id.test.ts'])
})

test('what drives the machine runs alone', () => {
  const isAlone = (place: string) => testGroups([place])[0]?.isAlone
  assert.deepEqual(['packages/kit', 'packages/lab', 'test/hosts'].map(isAlone), [false, true, true])
})
