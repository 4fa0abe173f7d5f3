/** `atoll check`: format, lint and types in one command. */

import { Command } from 'commander'
import { runProgram } from '../run-program.ts'

export function checkCommand(): Command {
  return new Command('check')
    .description('check format, lint and types')
    .option('--fix', 'rewrite what can be fixed by itself')
    .addHelpText('after', '\nExample:\n  $ ./atoll check --fix')
    .action(async (options: { fix?: boolean }) => {
      const steps: readonly (readonly [string, ...string[]])[] = [
        ['biome', 'check', ...(options.fix ? ['--write'] : []), '.'],
        ['oxlint'],
        ['tsc', '--noEmit'],
      ]
      for (const [program, ...args] of steps) {
        process.exitCode = await runProgram(program, args)
        if (process.exitCode !== 0) return
      }
    })
}
