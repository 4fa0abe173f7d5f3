import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { longFunctions } from './function-length.ts'
import { describe, findingsIn } from './rule.ts'
import { commentRules } from './rules/comments.ts'
import { fileRules } from './rules/files.ts'
import { privateWordRules } from './rules/private-words.ts'
import { testRules } from './rules/tests.ts'
import { ambientWorld, SHELL, worldRules } from './rules/world.ts'
import { parseSource, projectHome, readSources, readTexts } from './source.ts'

const sources = readSources()
const pages = ['md', 'json', 'sh', 'yaml']
  .flatMap(readTexts)
  .filter(({ path }) => path !== 'package-lock.json')
const texts = [...sources, ...pages.map(({ path, text }) => parseSource(path, text))]

const sourceRules = [...fileRules, ...commentRules, ...worldRules, ...testRules]

for (const [rules, files] of [
  [sourceRules, sources],
  [privateWordRules, texts],
] as const)
  for (const rule of rules) {
    test(rule.name, () => {
      assert.deepEqual(files.flatMap(rule.find).map(describe), [])
    })

    test(`a breach is found: ${rule.name}`, () => {
      for (const example of rule.bad)
        assert.notEqual(findingsIn(rule, example).length, 0, `missed: ${example[1]}`)
      for (const example of rule.good ?? []) assert.deepEqual(findingsIn(rule, example), [])
    })
  }

test('no function has more than 70 lines', () => {
  const places = ['packages', 'services', 'apps', 'test', 'bench', 'docs']
  assert.deepEqual(longFunctions(places, projectHome).map(describe), [])
})

test('a breach is found: no function has more than 70 lines', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-tidy-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'long.ts'), `export function long() {\n${'  work()\n'.repeat(70)}}\n`)
  writeFileSync(join(directory, 'fit.ts'), `export function fit() {\n${'  work()\n'.repeat(60)}}\n`)
  const list = `describe('it', () => {\n${"  test('a', () => {\n    work()\n  })\n".repeat(30)}})\n`
  writeFileSync(join(directory, 'list.ts'), list)
  assert.deepEqual(
    longFunctions(['.'], directory).map(({ path }) => path),
    ['long.ts'],
  )
})

test('every exception from the injected world is needed', () => {
  for (const place of Object.keys(SHELL).filter((one) => one.endsWith('.ts'))) {
    const files = sources.filter(({ path }) => path.startsWith(place))
    const isNeeded = files.some(
      ({ code, uncommented }) => code.match(ambientWorld) || uncommented.includes("'node:timers"),
    )
    assert.ok(
      isNeeded,
      `test/tidy/rules/world.ts: take out ${place}, which touches neither clock nor randomness`,
    )
  }
})

test('rules have names of their own', () => {
  const names = [...sourceRules, ...privateWordRules].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})
