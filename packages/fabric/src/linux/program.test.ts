import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock } from '@atoll/kit'
import { ProgramFailed, ProgramMissing, ProgramTimedOut, RootRequired } from '../errors.ts'
import { programRunner, requireHostPrograms } from './program.ts'

const run = programRunner(systemClock)

test('a program gets its input and gives its output', async () => {
  assert.equal(await run({ program: 'cat', args: [], input: 'one\ntwo\n' }), 'one\ntwo\n')
})

test('a program that fails is quoted', async () => {
  const failing = run({ program: 'sh', args: ['-c', 'echo no such device >&2; exit 3'] })
  await assert.rejects(
    failing,
    (error: Error) => ProgramFailed.is(error) && /no such device/.test(error.message),
  )
})

test('a program that is not installed is named with its package', async () => {
  await assert.rejects(run({ program: 'atoll-no-such-program', args: [] }), (error) =>
    ProgramMissing.is(error),
  )
  assert.throws(
    () => requireHostPrograms({ userId: 0, path: '/nowhere' }),
    (error: Error) => ProgramMissing.is(error) && /"ip" .* apt-get install iproute2$/.test(error.message),
  )
})

test('a program that hangs is killed', async () => {
  const hanging = programRunner(systemClock, 20)({ program: 'sleep', args: ['60'] })
  await assert.rejects(hanging, (error) => ProgramTimedOut.is(error))
})

test('a peer that is not root is told so', () => {
  assert.throws(
    () => requireHostPrograms({ userId: 1000 }),
    (error) => RootRequired.is(error),
  )
})
