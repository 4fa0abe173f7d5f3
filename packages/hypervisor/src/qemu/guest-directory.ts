/**
 * What a host keeps of one guest, `<state directory>/<id>/`:
 *
 *   guest.json     the spec and fence of the latest start, written before anything else of that start
 *   disk.qcow2     the root disk, an overlay on its base
 *   pid            written and locked by QEMU, and removed by it when it ends in order
 *   qmp.sock       QEMU's monitor
 *   console.log    the serial console; console.log.1 holds what came before the last rotation
 *   qemu.log       QEMU's own complaints
 *
 * Nothing is written after QEMU runs, so that no crash can leave a guest that its directory does not tell of:
 * a process says `running`, a left-over `pid` file without its process `crashed`, none `shutdown`.
 */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assert, isUuid } from '@atoll/kit'
import { GuestRecordUnreadable, StateDirectoryTooLong } from '../errors.ts'
import type { GuestSpec } from '../hypervisor.ts'

const RECORD_VERSION = 1
/** `sun_path` of unix(7) has 108 bytes, the last of them zero. */
const SOCKET_PATH_BYTES_MAX = 107
const ID_EXAMPLE = '00000000-0000-4000-8000-000000000000'
const ID_LENGTH = ID_EXAMPLE.length
const TRASH_PREFIX = '.destroyed-'

/** The directory of all guests of a host. */
export class StateDirectory {
  readonly path: string

  /** @param path absolute, without symbolic links @throws StateDirectoryTooLong */
  constructor(path: string) {
    this.path = path
    const excess = Buffer.byteLength(this.guest(ID_EXAMPLE).socketPath) - SOCKET_PATH_BYTES_MAX
    const lengthMax = Buffer.byteLength(path) - excess
    if (excess > 0) throw StateDirectoryTooLong({ directory: path, lengthMax })
  }

  guest(id: string): GuestDirectory {
    assert(id.length === ID_LENGTH && isUuid(id), `not the id of a guest: ${id}`)
    return new GuestDirectory(this.path, id)
  }

  /** The ids that have a directory, in order. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.path)
    return names.filter((name) => name.length === ID_LENGTH && isUuid(name)).sort()
  }

  /** Removes what interrupted removals have left. */
  async emptyTrash(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name.startsWith(TRASH_PREFIX)) await rm(join(this.path, name), { recursive: true, force: true })
    }
  }
}

export class GuestDirectory {
  readonly id: string
  readonly path: string
  readonly recordPath: string
  readonly diskPath: string
  readonly pidPath: string
  readonly socketPath: string
  readonly consolePath: string
  readonly consoleBeforePath: string
  readonly logPath: string
  readonly #statePath: string

  constructor(statePath: string, id: string) {
    this.id = id
    this.#statePath = statePath
    this.path = join(statePath, id)
    this.recordPath = join(this.path, 'guest.json')
    this.diskPath = join(this.path, 'disk.qcow2')
    this.pidPath = join(this.path, 'pid')
    this.socketPath = join(this.path, 'qmp.sock')
    this.consolePath = join(this.path, 'console.log')
    this.consoleBeforePath = join(this.path, 'console.log.1')
    this.logPath = join(this.path, 'qemu.log')
  }

  async make(): Promise<void> {
    await mkdir(this.path, { mode: 0o700, recursive: true })
    await syncPath(this.#statePath)
  }

  /** The spec of the latest start, or undefined when there was none. @throws GuestRecordUnreadable */
  async readRecord(): Promise<GuestSpec | undefined> {
    const text = await readIfPresent(this.recordPath)
    return text === undefined ? undefined : parseRecord(text, this)
  }

  /** Durable when it resolves. */
  async writeRecord(spec: GuestSpec): Promise<void> {
    await writeAtomically(this.recordPath, JSON.stringify({ version: RECORD_VERSION, spec }))
  }

  /** The number in the pid file, if it is complete, which may be that of an unrelated process by now. */
  async readPid(): Promise<number | undefined> {
    const text = await readIfPresent(this.pidPath)
    return text !== undefined && /^\d+\s*$/.test(text) ? Number.parseInt(text, 10) : undefined
  }

  /** Only for a process that lost its pid file; QEMU writes its own. */
  async writePid(pid: number): Promise<void> {
    await writeAtomically(this.pidPath, `${pid}\n`)
  }

  /** Turns `crashed` into `shutdown`. Callers must know that the process is gone. */
  async removePidFile(): Promise<void> {
    await rm(this.pidPath, { force: true })
  }

  /** Removes everything; a crash in the middle leaves no directory of this id but only trash. */
  async remove(): Promise<void> {
    const trashPath = join(this.#statePath, TRASH_PREFIX + this.id)
    await rm(trashPath, { recursive: true, force: true })
    try {
      await rename(this.path, trashPath)
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    await syncPath(this.#statePath)
    await rm(trashPath, { recursive: true, force: true })
  }
}

/** The file's text, or undefined when there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** Flushes a file, or the names in a directory, to the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const temporaryPath = `${path}.tmp`
  const file = await open(temporaryPath, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporaryPath, path)
  await syncPath(dirname(path))
}

function parseRecord(text: string, { id, recordPath }: GuestDirectory): GuestSpec {
  try {
    const { version, spec } = JSON.parse(text)
    if (version === RECORD_VERSION && spec.id === id && Number.isSafeInteger(spec.fence)) return spec
  } catch (cause) {
    throw GuestRecordUnreadable({ path: recordPath }, { cause })
  }
  throw GuestRecordUnreadable({ path: recordPath })
}
