/** `atoll peer`: founds a cloud when asked to, then runs the peer of a site. */

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addDataOption } from '../data-directory.ts'
import { PasswordFileUnreadable } from '../errors.ts'
import { addPeerOptions, type PeerFlags, settingsWith } from '../peer-options.ts'
import { runInForeground } from '../run-in-foreground.ts'

interface Flags extends PeerFlags {
  readonly data: string
  readonly found?: string
  readonly site?: string
  readonly name?: string
  readonly adminPasswordFile?: string
}

export function peerCommand(): Command {
  const command = addDataOption(new Command('peer'))
    .description('run the peer of a site, in the foreground; --found makes a new cloud first')
    .option('--found <cloud>', 'found a cloud of this name, with this site as its first')
    .option('--site <name>', 'with --found: the name of the site, which is an availability zone of the cloud')
    .option(
      '--name <name>',
      'with --found: the name of the peer at its site (default: the name of this machine)',
    )
    .option(
      '--admin-password-file <file>',
      'with --found: the first line is the administrator’s password (default: a random one)',
    )
  return addPeerOptions(command)
    .addHelpText(
      'after',
      `
The options are kept in settings.yaml of the data directory; later starts need only --data.
SIGTERM and SIGINT stop the peer. Its virtual machines run on and are taken over by the next start.

Examples:
  $ ./atoll peer --found pacific --site moorea --api 192.0.2.7:8774 --peer 192.0.2.7:8775
  $ ./atoll peer
  $ ./atoll peer --data /tmp/try --found try --site one --hypervisor simulated --hosts 10`,
    )
    .action(async (flags: Flags) => {
      if (flags.found !== undefined) await found(flags, command)
      else {
        const unusable = flags.site ?? flags.adminPasswordFile
        if (unusable !== undefined) command.error('error: --site and --admin-password-file go with --found')
        await keepSettings(flags)
      }
      await runInForeground(flags.data)
    })
}

async function found(flags: Flags, command: Command): Promise<void> {
  const { data, site, name, adminPasswordFile } = flags
  if (flags.found === undefined) return
  if (site === undefined) return command.error('error: --found needs --site, the name of the first site')
  const { foundSite, readSettings } = await import('@atoll/peer')
  await foundSite({
    dataDirectory: data,
    siteName: site,
    cloudName: flags.found,
    settings: settingsWith(readSettings(data), flags),
    ...(name === undefined ? {} : { peerName: name }),
    ...(adminPasswordFile === undefined ? {} : { adminPassword: readPassword(adminPasswordFile) }),
  })
}

async function keepSettings(flags: Flags): Promise<void> {
  const { readSettings, readSiteFile, writeSettings } = await import('@atoll/peer')
  readSiteFile(flags.data)
  const settings = readSettings(flags.data)
  const wanted = settingsWith(settings, flags)
  if (JSON.stringify(wanted) !== JSON.stringify(settings)) writeSettings(flags.data, wanted)
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? ''
  } catch (error) {
    throw PasswordFileUnreadable({ path }, { cause: error })
  }
}
