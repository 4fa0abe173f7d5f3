/** What only the real driver must withstand: crashes between its steps, reused pids, hung and orphaned QEMUs. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sleep } from '@atoll/kit'
import { GuestRecordUnreadable, GuestStartFailed, ProgramMissing, StateDirectoryTooLong } from '../errors.ts'
import type { GuestSpec, GuestState, Hypervisor } from '../hypervisor.ts'
import { CONSOLE_FILE_BYTES_MAX } from './console-log.ts'
import type { CrashingPeerOptions } from './crashing-peer.ts'
import { GuestDirectory } from './guest-directory.ts'
import { launchQemu } from './launch-qemu.ts'
import { qemuArguments } from './qemu-arguments.ts'
import type { QemuHypervisor } from './qemu-hypervisor.ts'
import { START_STEPS } from './qemu-options.ts'
import { QmpClient } from './qmp-client.ts'
import {
  BOOTED_TEXT,
  makeTestHost,
  printingKernel,
  reasonToSkip,
  type TestHost,
  testClock,
} from './test-host.ts'

const HARD = { mode: 'hard', graceMs: 0 } as const
const WAIT_MS_MAX = 30_000

suite('the QEMU hypervisor', { skip: reasonToSkip() }, () => {
  let host: TestHost
  let hypervisor: QemuHypervisor

  before(async () => {
    host = await makeTestHost()
    hypervisor = await host.open()
  })
  after(async () => {
    await hypervisor.close()
    await host.close()
  })
  const directoryOf = ({ id }: GuestSpec) => new GuestDirectory(join(host.directory, 'guests'), id)
  const reopen = async (meanwhile: () => Promise<void> = async () => {}) => {
    await hypervisor.close()
    await meanwhile()
    hypervisor = await host.open()
  }
  const start = async (spec = host.spec('obedient')) => {
    await hypervisor.start(spec)
    await waitForBoots(hypervisor, spec, 1)
    return spec
  }

  for (const lastStep of START_STEPS) {
    test(`a start that a crash ends after its step "${lastStep}" is made good by the next`, async () => {
      const spec = host.spec('obedient')
      crashPeer({ directory: join(host.directory, 'guests'), spec, lastStep })
      await reopen()
      await hypervisor.start(spec)
      assert.equal((await stateOf(hypervisor, spec))?.power, 'running')
      await waitForBoots(hypervisor, spec, 1)
      assert.equal((await processesOf(spec)).length, 1)
      await hypervisor.destroy(spec.id)
      assert.deepEqual(await processesOf(spec), [])
    })

    test(`a start that a crash ends after its step "${lastStep}" can be destroyed`, async () => {
      const spec = host.spec('obedient')
      crashPeer({ directory: join(host.directory, 'guests'), spec, lastStep })
      await reopen()
      await hypervisor.destroy(spec.id)
      assert.deepEqual(await processesOf(spec), [])
      assert.equal(existsSync(directoryOf(spec).path), false)
    })
  }

  test('a removal that a crash ends is completed by the next driver', async () => {
    const trash = join(host.directory, 'guests', `.destroyed-${host.spec('deaf').id}`)
    await mkdir(trash)
    await writeFile(join(trash, 'disk.qcow2'), 'rest')
    await reopen()
    assert.equal(existsSync(trash), false)
  })

  test('a pid file that names an unrelated process means a crashed guest, and harms nobody', async () => {
    const spec = await start()
    await hypervisor.stop(spec.id, HARD)
    await writeFile(directoryOf(spec).pidPath, `${process.pid}\n`)
    assert.deepEqual(await stateOf(hypervisor, spec), { id: spec.id, fence: 1, power: 'crashed' })
    await hypervisor.stop(spec.id, HARD)
    await writeFile(directoryOf(spec).pidPath, `${process.pid}\n`)
    await hypervisor.destroy(spec.id)
  })

  test('a guest that lost its pid file is found by a start, and not started twice', async () => {
    const spec = await start()
    const before = await stateOf(hypervisor, spec)
    await reopen(() => rm(directoryOf(spec).pidPath))
    await hypervisor.start(spec)
    assert.deepEqual(await stateOf(hypervisor, spec), before)
    assert.deepEqual(await processesOf(spec), [before?.pid])
    await hypervisor.destroy(spec.id)
    assert.deepEqual(await processesOf(spec), [])
  })

  test('QEMU itself refuses to run a guest twice, should the search be wrong', async () => {
    const spec = await start()
    const directory = directoryOf(spec)
    const twin = new GuestDirectory(join(host.directory, 'twin'), spec.id)
    await twin.make()
    const options = { machineType: 'q35', accelerator: 'tcg', isSandboxed: true } as const
    const programArguments = qemuArguments(spec, twin, options).map((word) =>
      word.replace(twin.diskPath, directory.diskPath),
    )
    const { ended } = await launchQemu({ program: 'qemu-system-x86_64', programArguments, directory: twin })
    assert.equal(await ended, false)
    assert.match(await readFile(twin.logPath, 'utf8'), /Failed to get "write" lock/)
    assert.equal((await stateOf(hypervisor, spec))?.power, 'running')
    await hypervisor.destroy(spec.id)
  })

  test('the disk keeps what the guest wrote until it is destroyed', async () => {
    const spec = await start()
    await hypervisor.stop(spec.id, HARD)
    const before = await stat(directoryOf(spec).diskPath)
    await hypervisor.start({ ...spec, fence: 2 })
    const { ino, size } = await stat(directoryOf(spec).diskPath)
    assert.deepEqual({ ino, size }, { ino: before.ino, size: before.size })
    await hypervisor.destroy(spec.id)
  })

  test('a soft reboot whose peer died half-way is finished by the next', async () => {
    const spec = await start()
    await reopen(async () => {
      const client = new QmpClient({ path: directoryOf(spec).socketPath, clock: testClock })
      const isDown = new Promise<void>((resolve) => {
        client.subscribe((event) => event.kind === 'event' && event.name === 'STOP' && resolve())
      })
      await client.open()
      await client.execute('set-action', { shutdown: 'pause' })
      await client.execute('system_powerdown', {})
      await isDown
      client.close()
    })
    await waitForBoots(hypervisor, spec, 2)
    await hypervisor.stop(spec.id, { mode: 'soft', graceMs: WAIT_MS_MAX })
    assert.equal((await stateOf(hypervisor, spec))?.power, 'shutdown')
  })

  test('a guest that was paused is listed so, and resumed by a start', async () => {
    const spec = await start()
    await reopen(async () => {
      const client = new QmpClient({ path: directoryOf(spec).socketPath, clock: testClock })
      await client.open()
      await client.execute('stop', {})
      client.close()
    })
    assert.equal((await stateOf(hypervisor, spec))?.power, 'paused')
    await hypervisor.start(spec)
    await waitFor('the resumed guest', async () => (await stateOf(hypervisor, spec))?.power === 'running')
    await hypervisor.destroy(spec.id)
  })

  test('a QEMU that hangs is listed as running, and killed by a stop', async () => {
    const spec = await start()
    const { pid = 0 } = (await stateOf(hypervisor, spec)) ?? {}
    process.kill(pid, 'SIGSTOP')
    await reopen()
    assert.equal((await stateOf(hypervisor, spec))?.power, 'running')
    await hypervisor.stop(spec.id, HARD)
    assert.equal((await stateOf(hypervisor, spec))?.power, 'shutdown')
    assert.deepEqual(await processesOf(spec), [])
  })

  test('a console that has grown long is cut to its end, and goes on', async () => {
    const spec = await start()
    const { consolePath, consoleBeforePath } = directoryOf(spec)
    await appendFile(consolePath, `${'x'.repeat(99)}\n`.repeat((3 * CONSOLE_FILE_BYTES_MAX) / 100))
    await hypervisor.close()
    hypervisor = await host.open({ consoleIntervalMs: 10 })
    await waitFor('the rotation', async () => existsSync(consolePath) && existsSync(consoleBeforePath))
    await hypervisor.reboot(spec.id, HARD)
    await waitFor('the new boot', async () => (await readFile(consolePath, 'utf8')).includes(BOOTED_TEXT))
    await waitFor('the cut', async () => (await stat(consoleBeforePath)).size === CONSOLE_FILE_BYTES_MAX)
    const text = await hypervisor.consoleOutput(spec.id)
    assert.ok(text.startsWith('xx') && text.endsWith(BOOTED_TEXT))
    await hypervisor.destroy(spec.id)
  })

  test('a damaged record hides its guest, forbids a start, and allows a destroy', async () => {
    const spec = await start()
    await hypervisor.stop(spec.id, HARD)
    await writeFile(directoryOf(spec).recordPath, '{"version":1,"spec":')
    assert.equal(await stateOf(hypervisor, spec), undefined)
    await assert.rejects(hypervisor.start(spec), GuestRecordUnreadable.is)
    await hypervisor.destroy(spec.id)
    await hypervisor.start(spec)
    await hypervisor.destroy(spec.id)
  })

  test('a guest gets its config drive, and a name of any characters', async () => {
    const configDrivePath = join(host.directory, 'config,drive')
    await writeFile(configDrivePath, Buffer.alloc(4096))
    const spec = await start(host.spec('obedient', { configDrivePath, name: 'a,b=c\n"d" ü' }))
    const [pid] = await processesOf(spec)
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    assert.ok(words.includes('guest=a,,b=c?"d" ü'))
    await hypervisor.destroy(spec.id)
  })

  test('a guest boots the kernel that it is given, not its disk', async () => {
    const kernelPath = join(host.directory, 'kernel')
    const initrdPath = join(host.directory, 'initrd')
    await writeFile(kernelPath, printingKernel(`a kernel of its own\r\n${BOOTED_TEXT}`))
    await writeFile(initrdPath, 'no ramdisk')
    const kernel = { kernelPath, initrdPath, commandLine: 'console=ttyS0' }
    const spec = await start(host.spec('deaf', { kernel }))
    const text = await hypervisor.consoleOutput(spec.id)
    assert.ok(text.includes('a kernel of its own') && !text.includes('boot sector'), text)
    await hypervisor.stop(spec.id, { mode: 'soft', graceMs: WAIT_MS_MAX })
    assert.equal((await stateOf(hypervisor, spec))?.power, 'shutdown')
  })

  test('a start says what QEMU complained of', async () => {
    const kernel = { kernelPath: '/nowhere/vmlinuz', initrdPath: '/nowhere/initrd', commandLine: '' }
    const spec = host.spec('obedient', { kernel })
    await assert.rejects(hypervisor.start(spec), (error) => {
      assert.ok(GuestStartFailed.is(error))
      assert.match(error.message, /could not open kernel file '\/nowhere\/vmlinuz'/)
      return true
    })
    assert.equal((await stateOf(hypervisor, spec))?.power, 'shutdown')
    await hypervisor.destroy(spec.id)
  })

  test('a missing program is named with its Debian package', async () => {
    for (const [options, debianPackage] of [
      [{ qemuProgram: 'qemu-of-nowhere' }, 'qemu-system-x86'],
      [{ imageProgram: 'image-tool-of-nowhere' }, 'qemu-utils'],
    ] as const) {
      const incomplete = await host.open({ ...options, directory: join(host.directory, 'incomplete') })
      const attempts = [() => incomplete.requirePrograms(), () => incomplete.start(host.spec('obedient'))]
      for (const attempt of attempts) {
        await assert.rejects(attempt, (error) => {
          assert.ok(ProgramMissing.is(error))
          assert.ok(error.message.endsWith(`apt-get install ${debianPackage}`))
          return true
        })
      }
      await incomplete.close()
    }
  })

  test('a directory too long for its sockets is refused with the length that it may have', async () => {
    const directory = join(host.directory, 'd'.repeat(100))
    await assert.rejects(host.open({ directory }), (error) => {
      assert.ok(StateDirectoryTooLong.is(error))
      assert.match(error.message, /allow 61 bytes/)
      return true
    })
  })

  test('a guest has the tap device of its port', { skip: reasonToSkipTaps() }, async () => {
    const tapName = `attest${process.pid}`.slice(0, 15)
    const port = { portId: host.spec('deaf').id, macAddress: 'fa:16:3e:00:00:01', tapName, mtu: 1400 }
    const spec = await start(host.spec('obedient', { interfaces: [port] }))
    assert.ok(existsSync(`/sys/class/net/${tapName}`))
    await hypervisor.destroy(spec.id)
  })
})

function reasonToSkipTaps(): string | false {
  if (process.getuid?.() !== 0) return 'tap devices need root'
  return existsSync('/dev/net/tun') ? false : 'no /dev/net/tun: modprobe tun'
}

/** Runs a peer that dies in the middle of a start. */
function crashPeer(options: CrashingPeerOptions): void {
  const program = fileURLToPath(new URL('./crashing-peer.ts', import.meta.url))
  const words = ['--disable-warning=ExperimentalWarning', program, JSON.stringify(options)]
  const { signal, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  assert.equal(signal, 'SIGKILL', stderr)
}

/** Every QEMU of this guest, found without the driver's help. */
async function processesOf({ id }: GuestSpec): Promise<readonly number[]> {
  const pids: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (words.startsWith('qemu') && words.includes(`\0-uuid\0${id}\0`)) pids.push(Number(name))
  }
  return pids
}

async function stateOf(hypervisor: Hypervisor, { id }: GuestSpec): Promise<GuestState | undefined> {
  return (await hypervisor.list()).find((state) => state.id === id)
}

async function waitForBoots(hypervisor: Hypervisor, { id }: GuestSpec, count: number): Promise<void> {
  await waitFor(`boot number ${count}`, async () => {
    return (await hypervisor.consoleOutput(id)).split(BOOTED_TEXT).length > count
  })
}

async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  const untilMs = testClock.monotonicMs() + WAIT_MS_MAX
  while (!(await condition())) {
    assert.ok(testClock.monotonicMs() < untilMs, `waited in vain for ${what}`)
    await sleep(testClock, 20)
  }
}
