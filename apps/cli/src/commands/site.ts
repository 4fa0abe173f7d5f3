/** `atoll site`: what an operator says of a site: that it sleeps, that it is back, that it is shut out, that it is lost. */

import { Command } from 'commander'
import { askRetirement, askRevocation, askSleep, askWake } from '../admin-client.ts'
import { addDataOption } from '../data-directory.ts'
import { RetirementUnconfirmed, RevocationUnconfirmed } from '../errors.ts'

export function siteCommand(): Command {
  const site = new Command('site').description(
    'let a site sleep and wake, shut one out, or retire one that is lost',
  )
  for (const command of [sleepCommand(), wakeCommand(), revokeCommand(), retireCommand()])
    site.addCommand(command.copyInheritedSettings(site))
  return site
}

function sleepCommand(): Command {
  return addDataOption(new Command('sleep'))
    .description('say that the site of this machine will be away as planned; then it may be switched off')
    .addHelpText(
      'after',
      `
The other sites show it as dormant, give it no new servers, and ask for it rarely. Its guests run on until the machine is
switched off. It stays dormant until: atoll site wake

Example:
  $ ./atoll site sleep --data /var/lib/atoll && poweroff`,
    )
    .action(async ({ data }: { data: string }) => {
      const unaware = await askSleep(data)
      process.stdout.write('The site is dormant.\n')
      if (unaware.length > 0)
        process.stderr.write(
          `atoll: not heard yet by ${unaware.join(', ')}; they hear it when they ask next\n`,
        )
    })
}

function wakeCommand(): Command {
  return addDataOption(new Command('wake'))
    .description('say that the site of this machine is back')
    .addHelpText('after', '\nExample:\n  $ ./atoll site wake --data /var/lib/atoll')
    .action(async ({ data }: { data: string }) => {
      await askWake(data)
      process.stdout.write('The site is awake.\n')
    })
}

function revokeCommand(): Command {
  return addDataOption(new Command('revoke'))
    .description('shut a site out of the cloud for good')
    .argument('<name>', 'of the site')
    .option('--reason <text>', 'kept with the revocation', '')
    .option('--yes', 'do it: there is no way back, short of a new site')
    .addHelpText(
      'after',
      `
For a site that was captured or lost. Every other site that hears of it stops talking to it and takes none of its tokens.
What others know of its records stays as it was. Works at a site that is trusted with the default domain.

Example:
  $ ./atoll site revoke tahiti --reason 'stolen' --yes`,
    )
    .action(async (name: string, flags: { data: string; reason: string; yes?: boolean }) => {
      if (!flags.yes) throw RevocationUnconfirmed({ site: name })
      await askRevocation(flags.data, { site: name, reason: flags.reason })
      process.stdout.write(`Site ${name} is shut out.\n`)
    })
}

interface RetireFlags {
  readonly data: string
  readonly heir?: string
  readonly reason: string
  readonly force?: boolean
  readonly yes?: boolean
}

function retireCommand(): Command {
  return addDataOption(new Command('retire'))
    .description('declare a site lost for good, and let another one take over what it kept')
    .argument('<name>', 'of the lost site')
    .option('--heir <name>', 'the site that takes over; default: the guardian with the most complete copy')
    .option('--reason <text>', 'kept with the retirement', '')
    .option('--force', 'although the site answers, or sleeps as planned')
    .option('--yes', 'do it: there is no way back')
    .addHelpText(
      'after',
      `
For a site that burnt down, not for one that is cut off. It is shut out, as by revoke. Its heir becomes the home of its records,
as far as the heir had received them; its hosts are gone, and its servers are in ERROR, for their owners to delete.
Works at a site that is trusted with the default domain. Guardians of each site: atoll status --json

Example:
  $ ./atoll site retire tahiti --reason 'flood' --yes`,
    )
    .action(retire)
}

async function retire(
  site: string,
  { data, heir, reason, force = false, yes = false }: RetireFlags,
): Promise<void> {
  if (!yes) throw RetirementUnconfirmed({ site })
  const answer = await askRetirement(data, {
    site,
    reason,
    ...(heir === undefined ? {} : { heir }),
    ...(force ? { isForced: true } : {}),
  })
  const asked = answer.copies.map((copy) => `${copy.site} up to ${copy.seq}`).join(', ')
  process.stdout.write(
    `Site ${site} is retired. ${answer.heir} takes over what it kept.\n${asked ? `Copies: ${asked}.\n` : ''}`,
  )
  if (answer.silent.length > 0)
    process.stderr.write(`atoll: not asked, as they do not answer: ${answer.silent.join(', ')}\n`)
}
