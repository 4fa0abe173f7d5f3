/** Debian packages: which are missing, and their installation for those who may. */

import type { Logger } from '@atoll/kit'
import { NotRoot, PackagesNotInstalled } from './errors.ts'
import { isRoot, runProgram, runToEnd } from './run-program.ts'

const INSTALL_TIMEOUT_MS = 600_000

/** Those of `packages` that are not installed, in the same order. */
export async function missingPackages(packages: readonly string[]): Promise<readonly string[]> {
  // The exit code is 1 as soon as one of the names is unknown to dpkg, so only the output counts.
  const { stdout } = await runToEnd('dpkg-query', [
    '-W',
    '-f',
    `\${Package} \${db:Status-Status}\\n`,
    ...packages,
  ])
  const installed = new Set(
    stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])),
  )
  return packages.filter((name) => !installed.has(name))
}

/**
 * Installs those of `packages` that are missing, without questions, and says what it installs.
 * @throws NotRoot when something is missing and we are not root
 * @throws PackagesNotInstalled with apt's own words as cause
 */
export async function ensurePackages(
  packages: readonly string[],
  { log }: { readonly log: Logger },
): Promise<void> {
  const missing = await missingPackages(packages)
  if (missing.length === 0) return
  if (!isRoot()) throw NotRoot({ what: `install the Debian packages ${missing.join(' ')}` })
  log.info({ packages: missing }, `installing ${missing.join(' ')}`)
  try {
    await installPackages(missing)
  } catch {
    // Package lists that are absent or older than the mirror are the usual reason; the second error is the true one.
    await refreshPackageLists({ log })
    await installPackages(missing).catch((cause: unknown) => {
      throw PackagesNotInstalled({ packages: missing }, { cause })
    })
  }
}

/** `apt-get update`. @throws NotRoot */
export async function refreshPackageLists({ log }: { readonly log: Logger }): Promise<void> {
  if (!isRoot()) throw NotRoot({ what: 'refresh the package lists of apt' })
  log.info({}, 'refreshing the package lists of apt')
  await runProgram('apt-get', ['update', '-q'], { timeoutMs: INSTALL_TIMEOUT_MS })
}

async function installPackages(packages: readonly string[]): Promise<void> {
  await runProgram('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: INSTALL_TIMEOUT_MS,
  })
}
