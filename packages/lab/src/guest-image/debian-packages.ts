/** Debian packages as a source of files: which version apt would take, and its content without installing it. */

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PackageUnknown } from '../errors.ts'
import { runProgram, runToEnd } from '../run-program.ts'

export interface DebianPackage {
  readonly name: string
  readonly version: string
}

const DOWNLOAD_TIMEOUT_MS = 300_000

/** The version of `name` that apt would install. @throws PackageUnknown, also when apt has no lists yet */
export async function candidate(name: string): Promise<DebianPackage> {
  return { name, version: (await candidateFields(name)).get('Version') ?? '' }
}

/** What the meta package `name` stands for: its first dependency, for instance the newest kernel of a flavour. */
export async function candidateBehind(name: string): Promise<DebianPackage> {
  const depends = (await candidateFields(name)).get('Depends') ?? ''
  const [first] = depends.split(/[ ,|]/)
  if (first === undefined || first === '') throw PackageUnknown({ name })
  return candidate(first)
}

/** Downloads the package and unpacks its files into the new directory `into`. */
export async function unpackPackage({ name, version }: DebianPackage, into: string): Promise<void> {
  const downloads = `${into}.download`
  await mkdir(downloads, { recursive: true })
  await mkdir(into, { recursive: true })
  await runProgram('apt-get', ['download', '-q', `${name}=${version}`], {
    cwd: downloads,
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  })
  for (const file of await readdir(downloads)) {
    await runProgram('dpkg-deb', ['-x', join(downloads, file), into], { timeoutMs: DOWNLOAD_TIMEOUT_MS })
  }
}

async function candidateFields(name: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await runToEnd('apt-cache', ['show', '--no-all-versions', name])
  const fields = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const [, key, value] = /^([A-Z][\w-]*): (.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value)
  }
  if (!fields.has('Version')) throw PackageUnknown({ name })
  return fields
}
