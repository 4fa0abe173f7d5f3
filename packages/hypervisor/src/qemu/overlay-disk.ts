/** The root disk: a qcow2 overlay that holds what the guest changes of its base image (qemu-img(1)). */

import { access, rename } from 'node:fs/promises'
import type { Clock } from '@atoll/kit'
import { ProgramFailed } from '../errors.ts'
import type { RootDisk } from '../hypervisor.ts'
import { isMissing, syncPath } from './guest-directory.ts'
import { runProgram } from './run-program.ts'

export interface OverlayOptions {
  readonly path: string
  readonly rootDisk: RootDisk
  readonly program: string
  readonly clock: Clock
}

export const IMAGE_TOOL_DEBIAN_PACKAGE = 'qemu-utils'

const TIMEOUT_MS = 30_000

/** Makes the overlay unless it is there; one that is there is whole, whenever the maker was killed. */
export async function ensureOverlay({ path, rootDisk, program, clock }: OverlayOptions): Promise<void> {
  if (await isPresent(path)) return
  const { basePath, baseFormat, sizeBytes } = rootDisk
  const temporaryPath = `${path}.tmp`
  const base = ['-b', basePath, '-F', baseFormat]
  const result = await runProgram({
    program,
    programArguments: ['create', '-q', '-f', 'qcow2', ...base, temporaryPath, String(sizeBytes)],
    debianPackage: IMAGE_TOOL_DEBIAN_PACKAGE,
    clock,
    timeoutMs: TIMEOUT_MS,
  })
  if (result.exitCode !== 0) {
    const reason = result.isTimedOut ? `no end within ${TIMEOUT_MS} ms` : result.errorOutput.trim()
    throw ProgramFailed({ program, reason })
  }
  await syncPath(temporaryPath)
  await rename(temporaryPath, path)
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
