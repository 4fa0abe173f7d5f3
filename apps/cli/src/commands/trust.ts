/** `atoll trust`: lets other sites act for the administrators of the cloud. */

import { DEFAULT_DOMAIN_ID, trustSites } from '@atoll/sdk'
import { Command } from 'commander'
import { connectAdmin } from '../connect-admin.ts'
import { addDataOption } from '../data-directory.ts'

export function trustCommand(): Command {
  return addDataOption(new Command('trust'))
    .description('let sites act for the administrators of the cloud')
    .argument('<sites...>', 'names of sites')
    .addHelpText(
      'after',
      `
A site that has joined serves users and projects, but nobody is an administrator by its word alone: a captured site, or one
of a partner, must not take over the cloud. Trust the sites that you run yourself; administrators can then log in there.

Example:
  $ ./atoll trust tahiti moorea`,
    )
    .action(async (sites: string[], { data }: { data: string }) => {
      const trusted = await trustSites(await connectAdmin(data), DEFAULT_DOMAIN_ID, sites)
      process.stdout.write(`Trusted with the default domain: ${trusted.join(', ')}\n`)
    })
}
