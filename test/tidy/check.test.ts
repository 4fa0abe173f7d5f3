/** What `./atoll check` demands holds in every green run, so that nobody has to remember it. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { projectHome } from './source.ts'

const checks: readonly [fact: string, program: string, ...args: string[]][] = [
  ['every file has the format of the project', 'biome', 'check', '.'],
  ['the linter finds nothing', 'oxlint'],
  ['the types hold', 'tsc', '--noEmit'],
]

for (const [fact, program, ...args] of checks) {
  test(fact, () => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: projectHome, encoding: 'utf8' })
    assert.equal(error, undefined)
    assert.equal(status, 0, `${program} ${args.join(' ')}:\n${`${stdout}${stderr}`.slice(-4000)}`)
  })
}
