import assert from 'node:assert/strict'
import test from 'node:test'
import { isTestCode, lineAt, readSources } from './source.ts'

interface Definition {
  readonly place: string
  readonly workspace: string
  readonly code: string
}

const DEFINITION = /\bdefineError(?:<[^(]*>)?\(\{\s*(?:code: '([^']*)')?/g

const definitions: readonly Definition[] = readSources()
  .filter(({ path }) => !isTestCode(path))
  .flatMap(({ path, uncommented }) =>
    [...uncommented.matchAll(DEFINITION)].map((match) => ({
      place: `${path}:${lineAt(uncommented, match.index)}`,
      workspace: path.split('/')[1] ?? '',
      code: match[1] ?? '',
    })),
  )

test('an error code is `<area>.<thing>.<what>`, the thing left out where it is the area itself', () => {
  assert.ok(definitions.length > 50, 'the definitions of errors were not found')
  for (const { place, code } of definitions)
    assert.match(
      code,
      /^[a-z]+(\.[a-z][a-z0-9_]*){1,2}$/,
      `${place}: begin with code: '<area>.<thing>.<what>'`,
    )
})

test('the area of an error code is the workspace that defines it', () => {
  for (const { place, code, workspace } of definitions)
    assert.equal(code.split('.')[0], workspace, `${place}: let the code ${code} begin with ${workspace}`)
})

test('no error code is defined twice', () => {
  const places = Map.groupBy(definitions, ({ code }) => code)
  const twice = [...places].filter(([, defined]) => defined.length > 1)
  assert.deepEqual(
    twice.map(([code, defined]) => `${code}: ${defined.map(({ place }) => place).join(', ')}`),
    [],
  )
})
