import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { projectHome } from './source.ts'

test('each decision has a number of its own, the next one, and says it in its title', () => {
  const folder = `${projectHome}docs/decisions/`
  const files = readdirSync(folder).filter((name) => name !== 'README.md')
  const numbers = files.map((name) => Number(name.slice(0, 4))).sort((left, right) => left - right)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  for (const name of files) {
    const number = Number(name.slice(0, 4))
    assert.match(readFileSync(`${folder}${name}`, 'utf8'), new RegExp(`^# ${number}\\. `), name)
  }
})
