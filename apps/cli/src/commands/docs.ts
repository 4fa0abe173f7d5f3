/** `atoll docs`: writes the reference pages anew from the sources that they describe. */

import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { DocsMissing } from '../errors.ts'
import { projectHome, runProgram } from '../run-program.ts'

export function docsCommand(): Command {
  return new Command('docs')
    .description('write the reference pages anew')
    .argument('[args...]', 'for docs/generate.ts')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: string[]) => {
      const path = 'docs/generate.ts'
      if (!existsSync(`${projectHome}/${path}`)) throw DocsMissing({ path })
      process.exitCode = await runProgram('node', [path, ...args])
    })
}
