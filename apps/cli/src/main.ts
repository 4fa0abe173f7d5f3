/** `atoll`: parses the command line and hands over to one command; each lives in a file of its own. */

import { AtollError } from '@atoll/kit'
import { Command } from 'commander'
import { benchCommand } from './commands/bench.ts'
import { checkCommand } from './commands/check.ts'
import { demoCommand } from './commands/demo.ts'
import { distancesCommand } from './commands/distances.ts'
import { docsCommand } from './commands/docs.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { openrcCommand } from './commands/openrc.ts'
import { peerCommand } from './commands/peer.ts'
import { simulateCommand } from './commands/simulate.ts'
import { siteCommand } from './commands/site.ts'
import { statusCommand } from './commands/status.ts'
import { testCommand } from './commands/test.ts'
import { trustCommand } from './commands/trust.ts'

const program = new Command('atoll')
  .description('Many small, far-apart sites as one OpenStack-compatible cloud that has no centre.')
  .enablePositionalOptions()
  .showHelpAfterError('(add --help for what the command takes)')

for (const command of [
  demoCommand(),
  peerCommand(),
  joinCommand(),
  inviteCommand(),
  trustCommand(),
  statusCommand(),
  distancesCommand(),
  siteCommand(),
  openrcCommand(),
  testCommand(),
  checkCommand(),
  simulateCommand(),
  benchCommand(),
  docsCommand(),
]) {
  // Settings of the parser pass to a subcommand only when the parent makes it.
  program.addCommand(command.copyInheritedSettings(program))
}

try {
  await program.parseAsync()
} catch (error) {
  // What is expected to fail says so in one line; anything else is a bug, and its stack helps to find it.
  if (!(error instanceof AtollError)) throw error
  process.stderr.write(`atoll: ${error.message}\n`)
  process.exitCode = 1
}
