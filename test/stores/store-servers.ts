/** Servers for the tests of one file: started once, each test with a database of its own on them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingPackages } from '@atoll/lab'

/** Undefined when all of `packages` are there and we may run servers; otherwise why not. */
export async function whyNoServers(packages: readonly string[]): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return 'needs root, to run servers as their own users'
  const missing = await missingPackages(packages)
  return missing.length > 0 ? `not installed: ${missing.join(' ')}` : undefined
}

/** A directory for servers, and how to remove it. */
export function serverDirectory(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-stores-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
