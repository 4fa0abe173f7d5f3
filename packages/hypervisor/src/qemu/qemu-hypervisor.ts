/**
 * Guests as QEMU processes. What is known of a guest is in its directory and its process, never only here, so that
 * this driver can be killed at any instruction. Three things keep a guest from running twice: the search for its
 * process before a start, QEMU's lock on the pid file, and QEMU's lock on the disk.
 */

import { mkdir, realpath, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import type { CancelTimer } from '@atoll/kit'
import {
  GuestNotFound,
  GuestNotRunning,
  GuestRecordUnreadable,
  GuestStartFailed,
  GuestStopFailed,
  HostUnsupported,
  HypervisorClosed,
  ProgramFailed,
  StaleFence,
} from '../errors.ts'
import { GuestListeners } from '../guest-listeners.ts'
import { GuestLocks } from '../guest-locks.ts'
import type {
  ConsoleOptions,
  GuestListener,
  GuestSpec,
  GuestState,
  HostResources,
  Hypervisor,
  StopOptions,
} from '../hypervisor.ts'
import { lastLines } from '../last-lines.ts'
import { boundLog, readConsole, rotateConsole } from './console-log.ts'
import { type GuestDirectory, StateDirectory } from './guest-directory.ts'
import type { GuestMonitor } from './guest-monitor.ts'
import { GuestMonitors } from './guest-monitors.ts'
import { isGuestProcess, killProcess, recordedProcess, searchProcess, waitForExit } from './guest-process.ts'
import { lastComplaint, launchQemu } from './launch-qemu.ts'
import { ensureOverlay, IMAGE_TOOL_DEBIAN_PACKAGE } from './overlay-disk.ts'
import { qemuArguments } from './qemu-arguments.ts'
import { QEMU_DEFAULTS, type QemuHypervisorOptions } from './qemu-options.ts'
import { type Platform, probePlatform, QEMU_DEBIAN_PACKAGE } from './qemu-program.ts'
import { requireProgram } from './run-program.ts'

/** How long QEMU may take to end after it was told to quit, before it is killed. */
const QUIT_WAIT_MS = 3_000

export class QemuHypervisor implements Hypervisor {
  readonly kind = 'qemu'
  readonly #options: Required<QemuHypervisorOptions>
  readonly #state: StateDirectory
  readonly #locks = new GuestLocks()
  readonly #listeners: GuestListeners
  readonly #monitors: GuestMonitors
  #platform: Promise<Platform> | undefined
  #cancelConsoleCare: CancelTimer = () => {}
  #isClosed = false

  private constructor(options: Required<QemuHypervisorOptions>, state: StateDirectory) {
    this.#options = options
    this.#state = state
    this.#listeners = new GuestListeners(options.log)
    this.#monitors = new GuestMonitors({
      clock: options.clock,
      log: options.log,
      onEvent: (event) => this.#listeners.emit(event),
      onDisconnect: (directory, pid) => void this.#reportEnd(directory, pid),
    })
  }

  /**
   * Opens the host and finds its guests again. QEMU itself is looked for when it is first needed.
   *
   * @throws HostUnsupported @throws StateDirectoryTooLong
   */
  static async open(options: QemuHypervisorOptions): Promise<QemuHypervisor> {
    if (process.platform !== 'linux') throw HostUnsupported({ platform: process.platform })
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const state = new StateDirectory(await realpath(options.directory))
    await state.emptyTrash()
    const hypervisor = new QemuHypervisor({ ...QEMU_DEFAULTS, ...options }, state)
    await hypervisor.list()
    hypervisor.#scheduleConsoleCare()
    return hypervisor
  }

  /** Looks for the programs that guests need, without running a guest. @throws ProgramMissing */
  async requirePrograms(): Promise<void> {
    this.#assertOpen()
    const { qemuProgram, imageProgram, clock } = this.#options
    await Promise.all([
      requireProgram({ program: qemuProgram, debianPackage: QEMU_DEBIAN_PACKAGE, clock }),
      requireProgram({ program: imageProgram, debianPackage: IMAGE_TOOL_DEBIAN_PACKAGE, clock }),
    ])
  }

  async describe(): Promise<HostResources> {
    this.#assertOpen()
    const { features, accelerator } = await this.#findPlatform()
    const { blocks, bsize } = await statfs(this.#state.path)
    return {
      hypervisorType: 'QEMU',
      hypervisorVersion: features.version,
      accelerator: accelerator.kind,
      acceleratorReason: accelerator.reason,
      vcpus: availableParallelism(),
      ramMib: Math.floor(totalmem() / 1024 ** 2),
      diskBytes: blocks * bsize,
    }
  }

  async list(): Promise<readonly GuestState[]> {
    this.#assertOpen()
    const ids = await this.#state.ids()
    const states = await Promise.all(ids.map((id) => this.#look(this.#state.guest(id))))
    return states.filter((state) => state !== undefined)
  }

  async get(id: string): Promise<GuestState | undefined> {
    this.#assertOpen()
    return this.#look(this.#state.guest(id))
  }

  async specOf(id: string): Promise<GuestSpec | undefined> {
    this.#assertOpen()
    return this.#state.guest(id).readRecord()
  }

  async start(spec: GuestSpec): Promise<void> {
    await this.#exclusively(spec.id, () => this.#start(spec))
  }

  async stop(id: string, { mode, graceMs }: StopOptions): Promise<void> {
    const directory = await this.#findGuest(id)
    if (mode === 'hard') return this.#exclusively(id, () => this.#end(directory))
    // The guest is not locked while it makes up its mind, so that a hard stop or a destroy need not wait.
    const pid = await this.#askToShutDown(directory)
    if (pid !== undefined) await waitForExit(pid, directory, this.#options.clock, graceMs)
    this.#assertOpen()
    await this.#exclusively(id, () => this.#end(directory, pid))
  }

  async reboot(id: string, { mode, graceMs }: StopOptions): Promise<void> {
    const directory = await this.#findGuest(id)
    if (mode === 'hard') return this.#exclusively(id, () => this.#rebootHard(directory))
    const monitor = await this.#exclusively(id, () => this.#findMonitor(directory))
    if (!monitor) throw GuestNotRunning({ id })
    const outcome = await monitor.shutDownForReboot(graceMs)
    this.#assertOpen()
    if (outcome === 'disconnected') throw GuestNotRunning({ id })
    await this.#exclusively(id, () => (outcome === 'reset' ? monitor.keepRunning() : monitor.bootAgain()))
  }

  async destroy(id: string): Promise<void> {
    await this.#exclusively(id, async () => {
      const directory = this.#state.guest(id)
      await this.#end(directory)
      await directory.remove()
    })
  }

  async consoleOutput(id: string, { lines }: ConsoleOptions = {}): Promise<string> {
    const text = await readConsole(await this.#findGuest(id))
    return lines === undefined ? text : lastLines(text, lines)
  }

  subscribe(listener: GuestListener): () => void {
    return this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelConsoleCare()
    this.#listeners.clear()
    await this.#monitors.close()
  }

  async #start(spec: GuestSpec): Promise<void> {
    const { id, fence } = spec
    const { clock, imageProgram, afterStep } = this.#options
    const directory = this.#state.guest(id)
    const known = await directory.readRecord()
    if (known && fence < known.fence) throw StaleFence({ id, fence, fenceKnown: known.fence })
    if (await this.#takeOver(spec, directory, known)) return
    await directory.make()
    afterStep('directory')
    await directory.writeRecord(spec)
    afterStep('record')
    try {
      await ensureOverlay({ path: directory.diskPath, rootDisk: spec.rootDisk, program: imageProgram, clock })
    } catch (cause) {
      throw ProgramFailed.is(cause) ? GuestStartFailed({ id, reason: cause.message }, { cause }) : cause
    }
    afterStep('disk')
    await this.#launch(spec, directory)
  }

  /** Returns true when the guest runs already, and now under the fence of `spec`. */
  async #takeOver(
    spec: GuestSpec,
    directory: GuestDirectory,
    known: GuestSpec | undefined,
  ): Promise<boolean> {
    const pid = await searchProcess(directory)
    if (pid === undefined) return false
    if ((await directory.readPid()) !== pid) await directory.writePid(pid)
    if (spec.fence !== known?.fence) await directory.writeRecord(spec)
    const monitor = await this.#monitors.connect(directory, pid, this.#options.startTimeoutMs)
    if (monitor?.power === 'crashed') await this.#end(directory, pid)
    if (monitor?.power === 'paused') await monitor.resume()
    return isGuestProcess(pid, directory)
  }

  async #launch(spec: GuestSpec, directory: GuestDirectory): Promise<void> {
    const { qemuProgram: program, machineType, afterStep } = this.#options
    const { features, accelerator } = await this.#findPlatform()
    const programArguments = qemuArguments(spec, directory, {
      machineType,
      accelerator: accelerator.kind,
      isSandboxed: features.isSandboxed,
    })
    const { pid, ended } = await launchQemu({ program, programArguments, directory })
    afterStep('process')
    const monitor = await this.#monitors.connect(directory, pid, this.#options.startTimeoutMs)
    // A guest may have shut itself down before we were connected: it was started all the same.
    if (!monitor && !(await ended)) {
      throw GuestStartFailed({ id: spec.id, reason: await lastComplaint(directory) })
    }
    afterStep('monitor')
    this.#listeners.emit({ id: spec.id, kind: 'started' })
    if (!monitor) this.#listeners.emit({ id: spec.id, kind: 'shutdown' })
  }

  async #look(directory: GuestDirectory): Promise<GuestState | undefined> {
    const { id } = directory
    try {
      const spec = await directory.readRecord()
      if (!spec) return undefined
      const state = { id, fence: spec.fence }
      const pid = await recordedProcess(directory)
      if (pid !== undefined) return { ...state, power: await this.#powerOf(directory, pid), pid }
      return { ...state, power: (await directory.readPid()) === undefined ? 'shutdown' : 'crashed' }
    } catch (error) {
      // A failing disk must not look like an empty host.
      if (!GuestRecordUnreadable.is(error)) throw error
      this.#options.log.error({ guest: id, err: error }, 'guest left out of the list')
      return undefined
    }
  }

  async #powerOf(directory: GuestDirectory, pid: number): Promise<GuestState['power']> {
    try {
      return (await this.#monitors.attach(directory, pid)).power
    } catch (error) {
      this.#options.log.debug({ guest: directory.id, err: error }, 'monitor does not answer')
      return 'running'
    }
  }

  async #findGuest(id: string): Promise<GuestDirectory> {
    this.#assertOpen()
    const directory = this.#state.guest(id)
    if (!(await directory.readRecord())) throw GuestNotFound({ id })
    return directory
  }

  async #findMonitor(directory: GuestDirectory): Promise<GuestMonitor | undefined> {
    const pid = await searchProcess(directory)
    return pid === undefined ? undefined : this.#monitors.attach(directory, pid)
  }

  /** Returns the process that was asked, or undefined when there is none or it cannot be asked. */
  async #askToShutDown(directory: GuestDirectory): Promise<number | undefined> {
    try {
      const monitor = await this.#exclusively(directory.id, () => this.#findMonitor(directory))
      await monitor?.pressPowerButton()
      return monitor?.pid
    } catch (error) {
      this.#options.log.warn({ guest: directory.id, err: error }, 'guest cannot be asked to shut down')
      return undefined
    }
  }

  async #rebootHard(directory: GuestDirectory): Promise<void> {
    const { id } = directory
    try {
      const monitor = await this.#findMonitor(directory)
      if (monitor) return await monitor.reset()
    } catch (error) {
      this.#options.log.warn({ guest: id, err: error }, 'reset failed; the guest gets a new process')
      await this.#end(directory)
    }
    const spec = await directory.readRecord()
    if (!spec) throw GuestNotFound({ id })
    await this.#start(spec)
  }

  /**
   * Ends the guest's process, whatever it takes; afterwards the guest is `shutdown`.
   *
   * @param onlyPid leaves a process alone that was started since
   */
  async #end(directory: GuestDirectory, onlyPid?: number): Promise<void> {
    const { id } = directory
    const { clock } = this.#options
    const pid = await searchProcess(directory)
    if (pid !== undefined) {
      if (onlyPid !== undefined && pid !== onlyPid) return
      const isReached = await this.#askToQuit(directory, pid)
      if (!isReached || !(await waitForExit(pid, directory, clock, QUIT_WAIT_MS))) {
        await killProcess(pid, directory)
      }
      if (!(await waitForExit(pid, directory, clock))) throw GuestStopFailed({ id, pid })
    }
    await directory.removePidFile()
  }

  /** Returns whether QEMU was reached; its reply may be lost, since it may end before it answers. */
  async #askToQuit(directory: GuestDirectory, pid: number): Promise<boolean> {
    let isReached = false
    try {
      const monitor = await this.#monitors.attach(directory, pid)
      isReached = true
      await monitor.quit()
    } catch (error) {
      this.#options.log.debug({ guest: directory.id, err: error }, 'QEMU did not confirm to quit')
    }
    return isReached
  }

  /** Tells how a guest has ended, unless its process goes on and only the connection broke. */
  async #reportEnd(directory: GuestDirectory, pid: number): Promise<void> {
    const { id } = directory
    const { clock, log } = this.#options
    try {
      if (!(await waitForExit(pid, directory, clock))) return
      // After the operation that ended it: a guest that was killed has not crashed, a destroyed one is none.
      const state = await this.#exclusively(id, () => this.#look(directory))
      if (state?.power === 'shutdown' || state?.power === 'crashed') {
        this.#listeners.emit({ id, kind: state.power })
      }
    } catch (error) {
      log.warn({ guest: id, err: error }, 'end of a guest not reported')
    }
  }

  /** Asked once; a failure is asked again, since the operator may have installed what was missing. */
  #findPlatform(): Promise<Platform> {
    const { qemuProgram: program, clock, accelerator, machineType } = this.#options
    const directory = this.#state.path
    this.#platform ??= probePlatform({ program, clock, accelerator, machineType, directory }).catch(
      (error) => {
        this.#platform = undefined
        throw error
      },
    )
    return this.#platform
  }

  #scheduleConsoleCare(): void {
    this.#cancelConsoleCare = this.#options.clock.after(this.#options.consoleIntervalMs, () => {
      void this.#boundConsoles().finally(() => {
        if (!this.#isClosed) this.#scheduleConsoleCare()
      })
    })
  }

  async #boundConsoles(): Promise<void> {
    for (const monitor of await this.#monitors.connected()) {
      const { directory } = monitor
      try {
        await rotateConsole(directory, () => monitor.reopenConsole())
        await boundLog(directory)
      } catch (error) {
        this.#options.log.warn(
          { guest: directory.id, err: error },
          'console not bounded; the next pass tries again',
        )
      }
    }
  }

  /** The driver may have been closed while the work waited for its turn. */
  #exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(id, () => {
      this.#assertOpen()
      return work()
    })
  }

  #assertOpen(): void {
    if (this.#isClosed) throw HypervisorClosed({})
  }
}
