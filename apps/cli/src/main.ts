/** `atoll`: parses the command line and hands over to one command; each lives in a file of its own. */

import { Command } from 'commander'
import { checkCommand } from './check.ts'
import { testCommand } from './test.ts'

const program = new Command('atoll')
  .description('Many small, far-apart sites as one OpenStack-compatible cloud that has no centre.')
  .addCommand(testCommand())
  .addCommand(checkCommand())

await program.parseAsync()
