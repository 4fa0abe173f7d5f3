/** Where a site lives when nobody says so. */

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'

export function defaultDataDirectory(): string {
  return process.geteuid?.() === 0 ? '/var/lib/atoll' : join(homedir(), '.local/share/atoll')
}

/** Adds `--data DIR`; the value is an absolute path. */
export function addDataOption(command: Command): Command {
  return command.addOption(
    new Option('--data <directory>', 'where the site keeps its data')
      .env('ATOLL_DATA')
      .default(defaultDataDirectory())
      .argParser((path) => resolve(path)),
  )
}
