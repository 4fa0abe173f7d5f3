/** `atoll invite`: a token for a new site, or for a new peer of this one, as the line to run there. */

import { Command } from 'commander'
import { askInvitation, askPeerToken } from '../admin-client.ts'
import { addDataOption } from '../data-directory.ts'
import { formatHostPort, parseDurationMs } from '../parse-values.ts'

const LIFE_MS = 3_600_000

interface Flags {
  readonly data: string
  readonly site?: string
  readonly for?: number
  readonly peer?: boolean
  readonly name?: string
}

async function peerLine({ data, name, for: lifeMs = LIFE_MS }: Flags): Promise<string> {
  const token = await askPeerToken(data, { lifeMs, ...(name === undefined ? {} : { peerName: name }) })
  const named = name === undefined ? '' : ` --name ${name}`
  return `./atoll join ${await peerUrl(data)} --token ${token}${named}`
}

export function inviteCommand(): Command {
  return addDataOption(new Command('invite'))
    .description('print the line that lets one new site join, or with --peer one new peer of this site')
    .option('--peer', 'let one more peer of this site join; they share its store')
    .option('--name <name>', 'with --peer: the only name that the new peer may take')
    .option('--site <name>', 'the only name that the new site may take')
    .option('--for <duration>', 'how long the token is good (default: 1h)', parseDurationMs)
    .addHelpText(
      'after',
      `
The token works once. Who has it can join: send it as you would a password. Administrators can log in at the new site when
the cloud trusts it: ./atoll trust NAME

The founding site gives any name. A site that the cloud trusts admits others, too, whether or not the founding site is up, under
names that begin with its own: tahiti--marina. The line may name the address of any peer of the cloud.

A peer gets the keys of its site with the token, over a connection that the token verifies.

Examples:
  $ ./atoll invite --site tahiti --for 30m
  $ ./atoll invite --peer`,
    )
    .action(async (flags: Flags) => {
      const { site, data } = flags
      if (flags.peer) {
        process.stdout.write(`${await peerLine(flags)}\n`)
        return
      }
      const { token, namePrefix } = await askInvitation(data, {
        lifeMs: flags.for ?? LIFE_MS,
        ...(site === undefined ? {} : { siteName: site }),
      })
      const line = `./atoll join ${await peerUrl(data)} --token ${token} --site ${site ?? `${namePrefix}NAME`}`
      process.stdout.write(`${line}\n`)
      if (site === undefined) process.stderr.write('atoll: put the name of the new site in place of NAME\n')
    })
}

/** Where other sites reach the peer of a data directory. */
export async function peerUrl(dataDirectory: string): Promise<string> {
  const { DEFAULT_PEER_PORT, readSettings } = await import('@atoll/peer')
  const { host = '127.0.0.1', port = DEFAULT_PEER_PORT, advertise = host } = readSettings(dataDirectory).peer
  return `https://${formatHostPort({ host: advertise, port })}`
}
