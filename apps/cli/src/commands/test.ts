/** `atoll test`: everything that must hold, fast tests first. */

import { silentLogger } from '@atoll/kit'
import { Command } from 'commander'
import { formatDuration, formatTable } from '../format-table.ts'
import { type GroupResult, runTests } from '../run-tests.ts'
import { testGroups } from '../test-groups.ts'

export function testCommand(): Command {
  return new Command('test')
    .description('run the tests')
    .argument('[places...]', 'packages, folders or files (default: all)')
    .option('--no-install', 'do not install Debian packages that the tests need')
    .addHelpText(
      'after',
      `
As root all of it runs, real guests and networks too; missing Debian packages are installed first. Without root, what needs
root is skipped and says so.

Examples:
  $ ./atoll test
  $ ./atoll test packages/kit services/compute
  $ ./atoll test test/hosts/cut.test.ts`,
    )
    .action(async (places: string[], { install }: { install: boolean }) => {
      const groups = testGroups(places)
      if (groups.some(({ isAlone }) => isAlone)) await preparePackages(install)
      const results = await runTests(groups)
      process.stdout.write(summary(results))
      if (results.some(({ failed }) => failed > 0)) process.exitCode = 1
    })
}

async function preparePackages(mayInstall: boolean): Promise<void> {
  const { ensurePackages, missingPackages } = await import('@atoll/lab')
  const { testPackages } = await import('../packages-needed.ts')
  const isRoot = process.geteuid?.() === 0
  const missing = await missingPackages(testPackages)
  if (missing.length > 0 && mayInstall && isRoot)
    await ensurePackages(testPackages, {
      log: { ...silentLogger, info: (_fields, message) => process.stdout.write(`atoll: ${message}\n`) },
    })
  else if (missing.length > 0)
    process.stdout.write(`atoll: not installed: ${missing.join(' ')}; tests that need them fail or skip\n`)
  if (!isRoot) process.stdout.write('atoll: not root: tests with real guests and networks are skipped\n')
}

function summary(results: readonly GroupResult[]): string {
  const total = (count: (result: GroupResult) => number) =>
    results.reduce((sum, result) => sum + count(result), 0)
  const table = formatTable(
    ['Tests of', 'Passed', 'Failed', 'Skipped', 'Took'],
    results.map(({ place, passed, failed, skipped, durationMs }) => [
      place,
      ...[passed, failed, skipped].map(String),
      formatDuration(durationMs),
    ]),
  )
  const skipped = total((result) => result.skipped)
  const skippedLine = skipped > 0 ? `${skipped} skipped\n` : ''
  return `\n${table}\n${skippedLine}${total((result) => result.passed)} passed, ${total((result) => result.failed)} failed\n`
}
