/** Runs groups of tests, each in a process of its own, and keeps going whatever fails. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { projectHome } from './run-program.ts'
import type { TestCounts } from './test-counts-reporter.ts'
import type { TestGroup } from './test-groups.ts'

export interface GroupResult extends TestCounts {
  readonly place: string
  readonly durationMs: number
}

/** One for each core of a small machine; groups that are quick on their own are not much quicker with more. */
const SIDE_BY_SIDE = 2
/** The last bound on a test that has none of its own. */
const TEST_TIMEOUT_MS = 300_000
/** A process that does not end, because a test left something open, counts as failed. */
const GROUP_TIMEOUT_MS = 900_000

/** In the order of `groups`, those that must be alone after all others. */
export async function runTests(groups: readonly TestGroup[]): Promise<readonly GroupResult[]> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  try {
    const results: GroupResult[] = []
    const queue = groups.filter(({ isAlone }) => !isAlone)
    const isShared = queue.length > 1
    const work = async () => {
      for (let group = queue.shift(); group !== undefined; group = queue.shift())
        results.push(await runGroup(group, { directory, isShared }))
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
    for (const group of groups.filter(({ isAlone }) => isAlone))
      results.push(await runGroup(group, { directory, isShared: false }))
    return results
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface RunOptions {
  readonly directory: string
  /** Then its output is held back until it is complete. */
  readonly isShared: boolean
}

async function runGroup(
  { place, files }: TestGroup,
  { directory, isShared }: RunOptions,
): Promise<GroupResult> {
  const countsPath = join(directory, `${place.replaceAll('/', '-')}.json`)
  const countsReporter = fileURLToPath(new URL('./test-counts-reporter.ts', import.meta.url))
  const args = [
    ...['--disable-warning=ExperimentalWarning', '--test', '--test-isolation=none'],
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${countsReporter}`, `--test-reporter-destination=${countsPath}`],
    ...files,
  ]
  const headline = `\n── ${place}\n`
  const startedMs = performance.now()
  if (!isShared) process.stdout.write(headline)
  const { exitCode, output } = await run(args, isShared)
  if (isShared) process.stdout.write(headline + output)
  const counts = readCounts(countsPath)
  // A process that died, or was killed, has a failure that no test reported.
  const failed = exitCode === 0 ? counts.failed : Math.max(1, counts.failed)
  return { place, ...counts, failed, durationMs: performance.now() - startedMs }
}

function run(args: readonly string[], isShared: boolean): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    const stdio = isShared ? 'pipe' : 'inherit'
    const child = spawn(process.execPath, args, { cwd: projectHome, stdio: ['ignore', stdio, stdio] })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const timer = setTimeout(() => {
      process.stdout.write(`atoll: ended a group of tests after ${GROUP_TIMEOUT_MS / 60_000} minutes\n`)
      child.kill('SIGKILL')
    }, GROUP_TIMEOUT_MS)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString() })
    })
  })
}

function readCounts(path: string): TestCounts {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestCounts
  } catch {
    // The process ended before it could count: its exit code says that this is a failure.
    return { passed: 0, failed: 0, skipped: 0 }
  }
}
