import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLogger } from '@atoll/kit'
import { ensurePackages, missingPackages } from './ensure-packages.ts'
import { NotRoot, ProgramFailed, ToolsMissing } from './errors.ts'
import { isRoot, missingTools, requireTools, runProgram, runToEnd } from './run-program.ts'

const isDebian = (await missingTools([{ program: 'dpkg-query', debianPackage: 'dpkg' }])).length === 0

describe('packages', { skip: isDebian ? false : 'this is no Debian' }, () => {
  test('that are missing are named in order, those that are there are not', async () => {
    assert.deepEqual(await missingPackages(['no-such-b', 'dpkg', 'no-such-a']), ['no-such-b', 'no-such-a'])
  })

  test('that are there are not installed again', async () => {
    const said: unknown[] = []
    const log = { ...silentLogger, info: (fields: object) => said.push(fields) }
    await ensurePackages(['dpkg'], { log })
    assert.deepEqual(said, [])
  })

  test('are not installed by those who are not root', { skip: !isRoot() }, async () => {
    process.seteuid?.('nobody')
    try {
      await assert.rejects(ensurePackages(['no-such'], { log: silentLogger }), NotRoot.is)
    } finally {
      process.seteuid?.('root')
    }
  })
})

describe('programs', () => {
  test('that are missing are named with the package that brings them', async () => {
    await assert.rejects(
      requireTools([
        { program: 'sh', debianPackage: 'dash' },
        { program: 'no-such-a', debianPackage: 'package-a' },
        { program: 'no-such-b', debianPackage: 'package-a' },
      ]),
      (error) =>
        ToolsMissing.is(error) &&
        error.message === 'no-such-a, no-such-b not found; on Debian: apt-get install package-a',
    )
  })

  test('that fail say what was run and what they said', async () => {
    await assert.rejects(
      runProgram('sh', ['-c', 'echo oops >&2; exit 3']),
      (error) => ProgramFailed.is(error) && /^sh -c .*: exit code 3: oops$/.test(error.message),
    )
  })

  test('that do not end are ended', async () => {
    await assert.rejects(
      runProgram('sh', ['-c', 'exec sleep 1000'], { timeoutMs: 50 }),
      (error) => ProgramFailed.is(error) && error.message.includes('time-out'),
    )
  })

  test('that leave someone behind who holds their output are not waited for', async () => {
    const { stdout } = await runToEnd('sh', ['-c', 'echo $$; sleep 5 & exec sleep 5'], { timeoutMs: 100 })
    assert.match(stdout, /^\d+\n$/)
  })

  test('that do not exist are an error of their own kind', async () => {
    await assert.rejects(runProgram('no-such-program', []), ProgramFailed.is)
  })

  test('get their input and give their output', async () => {
    assert.equal(await runProgram('cat', [], { stdin: 'text\n' }), 'text\n')
  })
})
