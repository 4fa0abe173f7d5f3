/** What a host's QEMU can do, asked of programs that play QEMU, good and bad, and of the real one. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { ProgramFailed, ProgramMissing } from '../errors.ts'
import { DEBUG_EXIT_CODE } from './boot-sector.ts'
import { type AcceleratorOptions, chooseAccelerator, probeFeatures } from './qemu-program.ts'
import { reasonToSkip, testClock } from './test-host.ts'

const GREETING = '{"QMP": {"version": {"qemu": {"micro": 4, "minor": 2, "major": 9}}}}'

suite('the accelerator', () => {
  test('is KVM where a test guest ran', async (context) => {
    const options = await playing(context, `exit ${DEBUG_EXIT_CODE}`)
    assert.deepEqual(await chooseAccelerator(options), { kind: 'kvm', reason: 'KVM ran a test guest' })
  })

  test('is TCG where a test guest hangs, which is then killed', async (context) => {
    const options = await playing(context, 'exec sleep 600', { timeoutMs: 50 })
    const { kind, reason } = await chooseAccelerator(options)
    assert.equal(kind, 'tcg')
    assert.equal(reason, 'KVM does not run guests here: a test guest did not boot within 50 ms')
  })

  test('is TCG where KVM is refused, for the reason that QEMU gave', async (context) => {
    const options = await playing(context, 'echo "failed to initialize kvm: Permission denied" >&2; exit 1')
    const { kind, reason } = await chooseAccelerator(options)
    assert.equal(kind, 'tcg')
    assert.match(reason, /failed to initialize kvm: Permission denied/)
  })

  test('is TCG where QEMU dies, or ends without having run the guest', async (context) => {
    for (const script of ['kill -9 $$', 'exit 0']) {
      const { kind } = await chooseAccelerator(await playing(context, script))
      assert.equal(kind, 'tcg', script)
    }
  })

  test('is what the settings say, without a probe', async (context) => {
    const options = await playing(context, 'exit 1')
    for (const accelerator of ['kvm', 'tcg'] as const) {
      const chosen = await chooseAccelerator({ ...options, accelerator, program: '/nowhere/qemu' })
      assert.equal(chosen.kind, accelerator)
    }
  })

  test('cannot be probed without QEMU', async (context) => {
    const options = await playing(context, '')
    await assert.rejects(chooseAccelerator({ ...options, program: '/nowhere/qemu' }), ProgramMissing.is)
  })

  test('is found on this machine in bounded time', { skip: reasonToSkip() }, async (context) => {
    const options = await playing(context, '')
    const { kind, reason } = await chooseAccelerator({ ...options, program: 'qemu-system-x86_64' })
    context.diagnostic(`${kind}: ${reason}`)
    assert.equal(kind === 'kvm', reason === 'KVM ran a test guest')
  })
})

suite('the features of QEMU', () => {
  test('are its version, as Nova counts, and a sandbox that works', async (context) => {
    const { program, clock } = await playing(context, `echo '${GREETING}'`)
    assert.deepEqual(await probeFeatures({ program, clock }), { version: 9_002_004, isSandboxed: true })
  })

  test('lack the sandbox where QEMU was built without', async (context) => {
    const script = `case "$*" in *-sandbox*) exit 1;; esac; echo '${GREETING}'`
    const { program, clock } = await playing(context, script)
    assert.deepEqual(await probeFeatures({ program, clock }), { version: 9_002_004, isSandboxed: false })
  })

  test('cannot be had of a program that is no QEMU', async (context) => {
    const { program, clock } = await playing(context, 'echo hello')
    await assert.rejects(probeFeatures({ program, clock }), ProgramFailed.is)
  })

  test('are found in the real one', { skip: reasonToSkip() }, async () => {
    const { version } = await probeFeatures({ program: 'qemu-system-x86_64', clock: testClock })
    assert.ok(version >= 6_000_000, `the driver needs QEMU 6 for set-action, this is ${version}`)
  })
})

/** Options with a program that plays QEMU by a shell script. */
async function playing(
  context: TestContext,
  script: string,
  change: Partial<AcceleratorOptions> = {},
): Promise<AcceleratorOptions> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-probe-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const program = join(directory, 'qemu')
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o700 })
  return {
    program,
    directory,
    clock: testClock,
    accelerator: 'auto',
    machineType: 'q35',
    isSandboxed: true,
    ...change,
  }
}
