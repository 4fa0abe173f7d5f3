import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { projectHome } from './source.ts'

test('the reference pages are those that the code makes', () => {
  // A process of its own, since the catalogue of errors is filled by whatever a process has loaded.
  const { status, stdout, stderr } = spawnSync('node', ['docs/generate.ts', '--check'], {
    cwd: projectHome,
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 0, stdout + stderr)
})
