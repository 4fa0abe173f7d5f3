import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { told } from './testing/readme-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
/** What is left when lines may be broken elsewhere. */
const bare = (text: string) => text.replace(/\s+/g, '').replace(/,(?=[)\]}])/g, '')

test('the examples of the README run, and say what it says', () => {
  const [large, grown, plan, quiet, harbours] = told
  assert.deepEqual(large, [{ name: 'Atiu' }])
  assert.deepEqual(grown, { area: 28 })
  assert.equal(
    plan,
    'read islands by islands(name): name\njoin harbours by harbours(island_id): island_id, the look-ups of a batch together',
  )
  assert.deepEqual(quiet, [])
  assert.deepEqual(harbours, [{ id: 'h', island_id: 'a', depth: 7 }])
})

test('each example of the README is one of those that run', () => {
  const program = bare(read('./testing/readme-example.ts'))
  const examples = [...read('../README.md').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) =>
    bare(code ?? ''),
  )
  assert.ok(examples.length >= 5)
  for (const example of examples) {
    const body = example.replace(/^(?:import\{?.*?from'[^']+')+/, '')
    assert.ok(program.includes(body), body)
  }
})
