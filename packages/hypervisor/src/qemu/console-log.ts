/**
 * The console of a guest in two files, each of about `CONSOLE_FILE_BYTES_MAX`. A rotation loses nothing of the end:
 * the file is renamed under QEMU, which writes on into it until its monitor is told to open a new one; only then the
 * renamed file is cut. While no driver runs the console grows, until the next one cuts it.
 */

import { open, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { CONSOLE_BYTES_MAX } from '../hypervisor.ts'
import { type GuestDirectory, isMissing } from './guest-directory.ts'

/** A guest that writes faster than the driver looks exceeds it for that long. */
export const CONSOLE_FILE_BYTES_MAX = 1024 * 1024
const LOG_FILE_BYTES_MAX = 64 * 1024

/** The end of what the guest wrote, at most `CONSOLE_BYTES_MAX`; bytes that are no UTF-8 become U+FFFD. */
export async function readConsole(directory: GuestDirectory): Promise<string> {
  const latest = await readTail(directory.consolePath, CONSOLE_BYTES_MAX)
  const before = await readTail(directory.consoleBeforePath, CONSOLE_BYTES_MAX - latest.length)
  return Buffer.concat([before, latest]).toString('utf8')
}

/**
 * Begins a new file when the present one is long.
 *
 * @param reopen must make QEMU open the console's path again
 */
export async function rotateConsole(directory: GuestDirectory, reopen: () => Promise<void>): Promise<void> {
  const bytes = await sizeOf(directory.consolePath)
  // No file: an earlier rotation ended after its rename.
  if (bytes !== undefined && bytes <= CONSOLE_FILE_BYTES_MAX) return
  if (bytes !== undefined) await rename(directory.consolePath, directory.consoleBeforePath)
  await reopen()
  await cutToEnd(directory.consoleBeforePath)
}

/** QEMU appends its complaints, so that an emptied file is filled from its start. */
export async function boundLog(directory: GuestDirectory): Promise<void> {
  if (((await sizeOf(directory.logPath)) ?? 0) > LOG_FILE_BYTES_MAX) await truncate(directory.logPath)
}

/** The last `bytesMax` bytes of a file, none when there is no file. */
export async function readTail(path: string, bytesMax: number): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const length = Math.min(size, bytesMax)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0)
    throw error
  }
}

/** Callers must know that nobody writes to the file any more. */
async function cutToEnd(path: string): Promise<void> {
  if (((await sizeOf(path)) ?? 0) <= CONSOLE_FILE_BYTES_MAX) return
  const temporaryPath = `${path}.tmp`
  await writeFile(temporaryPath, await readTail(path, CONSOLE_FILE_BYTES_MAX), { mode: 0o600 })
  await rename(temporaryPath, path)
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
