/** `atoll bench`: runs one of the measurements behind a public claim. */

import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { Command } from 'commander'
import { BenchUnknown } from '../errors.ts'
import { projectHome, runProgram } from '../run-program.ts'

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure what is claimed in public')
    .argument('[name]', `one of: ${benchNames().join(', ')} (default: say what there is)`)
    .argument('[args...]', 'for the benchmark; --help tells which')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText('after', '\nExample:\n  $ ./atoll bench create-servers --servers 5000')
    .action(async (name: string | undefined, args: string[]) => {
      const known = benchNames()
      if (name === undefined) {
        process.stdout.write(`${known.join('\n')}\n`)
        return
      }
      if (!known.includes(name)) throw BenchUnknown({ name, known })
      process.exitCode = await runProgram('node', [`bench/${name}.ts`, ...args])
    })
}

function benchNames(): readonly string[] {
  return globSync('bench/*.ts', { cwd: projectHome })
    .map((path) => basename(path, '.ts'))
    .sort()
}
