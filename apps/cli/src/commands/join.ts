/** `atoll join`: makes this machine a new site of an existing cloud, or a new peer of an existing site. */

import { Command, Option } from 'commander'
import { addDataOption } from '../data-directory.ts'
import { addPeerOptions, type PeerFlags, settingsWith } from '../peer-options.ts'
import { runInForeground } from '../run-in-foreground.ts'

interface Flags extends PeerFlags {
  readonly data: string
  readonly site?: string
  readonly name?: string
  readonly token: string
  readonly start: boolean
}

export function joinCommand(): Command {
  const command = addDataOption(new Command('join'))
    .description('join a cloud as a new site, or a site as one more peer, then run that peer')
    .argument('<url>', 'where a site of the cloud listens to peers, such as https://192.0.2.7:8775')
    .addOption(
      new Option('--token <token>', 'what `atoll invite` printed at that site')
        .env('ATOLL_JOIN_TOKEN')
        .makeOptionMandatory(),
    )
    .option(
      '--site <name>',
      'the name of the new site, which is an availability zone of the cloud; not for a peer of a site that there is',
    )
    .option('--name <name>', 'the name of the peer at its site (default: the name of this machine)')
    .option('--no-start', 'only join; start the peer later with `atoll peer`')
  return addPeerOptions(command)
    .addHelpText(
      'after',
      `
Get the whole line from a site of the cloud: ./atoll invite, or ./atoll invite --peer for one more peer of that site.

Examples:
  $ ./atoll join https://192.0.2.7:8775 --token atoll1.… --site tahiti --api 192.0.2.8:8774 --peer 192.0.2.8:8775
  $ ./atoll join https://192.0.2.7:8775 --token atoll-peer1.… --api 192.0.2.9:8774 --peer 192.0.2.9:8775`,
    )
    .action(async (url: string, flags: Flags) => {
      const { joinCloud, joinSite, readSettings } = await import('@atoll/peer')
      const { data, site, token, name } = flags
      const common = {
        url,
        token,
        dataDirectory: data,
        settings: settingsWith(readSettings(data), flags),
        ...(name === undefined ? {} : { peerName: name }),
      }
      process.stderr.write(`atoll: joining at ${url} …\n`)
      if (site === undefined) {
        const joined = await joinSite(common)
        process.stderr.write(`atoll: ${joined.peerName} is a peer of ${joined.site.site}\n`)
      } else {
        const { cloud } = await joinCloud({ ...common, siteName: site })
        process.stderr.write(`atoll: ${site} is a site of ${cloud}\n`)
      }
      if (flags.start) await runInForeground(data)
    })
}
