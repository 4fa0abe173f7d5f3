/** Functions fit a screen: measured by oxlint, which parses what it measures. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Finding } from './rule.ts'

const LINES_MAX = 70
const CONFIGURATION = fileURLToPath(new URL('function-length.oxlint.json', import.meta.url))

interface Diagnostic {
  readonly message: string
  readonly filename: string
  readonly labels: readonly {
    readonly span: { readonly offset: number; readonly length: number; readonly line: number }
  }[]
}

/** Functions of more than 70 lines in the files and folders of `places`, lists of tests and endpoints left out. */
export function longFunctions(places: readonly string[], directory: string): readonly Finding[] {
  const { stdout, error } = spawnSync('oxlint', ['-c', CONFIGURATION, '--format', 'json', ...places], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  })
  if (error) throw error
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] }
  return diagnostics.flatMap(({ message, filename, labels }) => {
    const span = labels[0]?.span
    const body = Buffer.from(readFileSync(`${directory}/${filename}`)).subarray(
      span?.offset,
      (span?.offset ?? 0) + (span?.length ?? 0),
    )
    if (isList(body.toString())) return []
    const advice = `${message.split('.')[0]}; split what it does into functions of at most ${LINES_MAX}`
    return [{ path: filename, line: span?.line ?? 1, advice }]
  })
}

/** A list of tests or endpoints is as long as there are facts to state; each of its functions is measured by itself. */
function isList(body: string): boolean {
  return TEST_CASE.test(body) || body.split('endpoint({').length > 2
}

/** `test('a fact', async (t) => {`, whatever the function is called that declares it. */
const TEST_CASE =
  /\n\s+(?:await )?(?:(?:t\.)?(?:test|it|describe)\(|[\w.]+\(\s*['"`][^\n]*['"`],\s*(?:async )?\([^\n]*\) => \{)/
