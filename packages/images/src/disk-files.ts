/** The machine's own file system. */

import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Files, hasErrorCode, type WritableFile } from './files.ts'

export const diskFiles: Files = Object.freeze({
  makeDirectory: async (path: string) => {
    const first = await mkdir(path, { recursive: true })
    if (first === undefined) return
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made))
  },
  list: async (path: string) => (await absentAs([], () => readdir(path))).sort(),
  stat: (path: string) =>
    absentAs(undefined, async () => {
      const { size, mtimeMs } = await stat(path)
      return { sizeBytes: size, modifiedMs: mtimeMs }
    }),
  touch: async (path: string) => {
    const now = new Date()
    await utimes(path, now, now)
  },
  read: (path: string, bytesMax: number) =>
    absentAs(undefined, async () => {
      await using file = await open(path, 'r')
      const { size } = await file.stat()
      return await readFully(file, Math.min(size, bytesMax))
    }),
  create: async (path: string) => writable(await open(path, 'w')),
  rename,
  remove: (path: string) => rm(path, { force: true }),
  syncDirectory,
  freeBytes: async (path: string) => {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
})

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

async function readFully(file: FileHandle, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function writable(file: FileHandle): WritableFile {
  return {
    // One call may write less than it was given, for example just before a disk is full.
    write: async (bytes, position) => {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
      }
    },
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

async function absentAs<T>(absent: T, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return absent
    throw error
  }
}
