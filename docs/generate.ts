/**
 * Writes the reference pages from the code: `node docs/generate.ts`. With `--check` it writes nothing, names the pages
 * that are out of date, and ends with 1.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { endpointsPage } from './generate/endpoints-page.ts'
import { errorsPage } from './generate/errors-page.ts'
import { settingsPage } from './generate/settings-page.ts'

const projectHome = fileURLToPath(new URL('..', import.meta.url))

const pages: Readonly<Record<string, string>> = {
  'docs/reference/endpoints.md': await endpointsPage(projectHome),
  'docs/reference/errors.md': await errorsPage(projectHome),
  'docs/reference/settings.md': await settingsPage(projectHome),
}

const stale = Object.entries(pages)
  .map(([path, text]) => ({ path, text: format(path, text) }))
  .filter(({ path, text }) => {
    const file = projectHome + path
    return !existsSync(file) || readFileSync(file, 'utf8') !== text
  })
const isCheck = process.argv.includes('--check')
for (const { path, text } of stale) {
  if (!isCheck) writeFileSync(projectHome + path, text)
  process.stdout.write(`${path}: ${isCheck ? 'out of date; run node docs/generate.ts' : 'written'}\n`)
}
if (isCheck && stale.length > 0) process.exitCode = 1

/** As `atoll check --fix` would write it, so that the two never disagree. */
function format(path: string, text: string): string {
  const args = ['format', `--stdin-file-path=${path}`]
  const { status, stdout, stderr, error } = spawnSync('biome', args, {
    cwd: projectHome,
    input: text,
    encoding: 'utf8',
  })
  if (status !== 0) throw error ?? new Error(`biome could not format ${path}: ${stderr}`)
  return stdout
}
