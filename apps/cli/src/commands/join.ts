/** `atoll join`: makes this machine a new site of an existing cloud. */

import { Command, Option } from 'commander'
import { addDataOption } from '../data-directory.ts'
import { addPeerOptions, type PeerFlags, settingsWith } from '../peer-options.ts'
import { runInForeground } from '../run-in-foreground.ts'

interface Flags extends PeerFlags {
  readonly data: string
  readonly site: string
  readonly token: string
  readonly start: boolean
}

export function joinCommand(): Command {
  const command = addDataOption(new Command('join'))
    .description('join a cloud as a new site, then run its peer')
    .argument('<url>', 'where a site of the cloud listens to peers, such as https://192.0.2.7:8775')
    .addOption(
      new Option('--token <token>', 'what `atoll invite` printed at that site')
        .env('ATOLL_JOIN_TOKEN')
        .makeOptionMandatory(),
    )
    .requiredOption('--site <name>', 'the name of the new site, which is an availability zone of the cloud')
    .option('--no-start', 'only join; start the peer later with `atoll peer`')
  return addPeerOptions(command)
    .addHelpText(
      'after',
      `
Get the whole line from a site of the cloud: ./atoll invite

Example:
  $ ./atoll join https://192.0.2.7:8775 --token atoll1.… --site tahiti --api 192.0.2.8:8774 --peer 192.0.2.8:8775`,
    )
    .action(async (url: string, flags: Flags) => {
      const { joinCloud, readSettings } = await import('@atoll/peer')
      const { data, site, token } = flags
      process.stderr.write(`atoll: joining the cloud at ${url} as ${site} …\n`)
      const { cloud } = await joinCloud({
        url,
        token,
        dataDirectory: data,
        siteName: site,
        settings: settingsWith(readSettings(data), flags),
      })
      process.stderr.write(`atoll: ${site} is a site of ${cloud}\n`)
      if (flags.start) await runInForeground(data)
    })
}
