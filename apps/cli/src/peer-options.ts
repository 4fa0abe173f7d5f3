/** The options that say how a peer runs. They are kept in the site's settings, so that later starts need none of them. */

import { resolve } from 'node:path'
import type { Settings } from '@atoll/peer'
import { type Command, Option } from 'commander'
import { type HostPort, parseHostPort, parseWholeNumber } from './parse-values.ts'

export interface PeerFlags {
  readonly store?: string
  readonly api?: HostPort
  readonly publicUrl?: string
  readonly peer?: HostPort
  readonly advertise?: string
  readonly failureDomains?: readonly string[]
  readonly hypervisor?: 'qemu' | 'simulated' | 'none'
  readonly accel?: 'auto' | 'kvm' | 'tcg'
  readonly hostDirectory?: string
  readonly hosts?: number
  readonly vcpus?: number
  readonly ram?: number
  readonly disk?: number
  readonly logLevel?: string
}

export function addPeerOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--store <url>',
        'where the state is kept, such as redis://192.0.2.7:6379 (default: a SQLite file in the data directory)',
      ).env('ATOLL_STORE'),
    )
    .option('--api <host:port>', 'where the OpenStack APIs listen (default: 127.0.0.1:8774)', parseHostPort)
    .option('--public-url <url>', 'how clients reach the APIs, when a proxy stands before them')
    .option('--peer <host:port>', 'where other sites connect (default: 127.0.0.1:8775)', parseHostPort)
    .option('--advertise <ip>', 'the address other sites reach it at (default: the host of --peer)')
    .option(
      '--failure-domains <labels>',
      'what the site fails together with, such as grid:north,provider:acme',
      (labels: string) => labels.split(',').filter((label) => label !== ''),
    )
    .addOption(
      new Option(
        '--hypervisor <kind>',
        'qemu runs real guests and needs root; none serves APIs only',
      ).choices(['qemu', 'simulated', 'none']),
    )
    .addOption(new Option('--accel <kind>', 'how QEMU runs guests').choices(['auto', 'kvm', 'tcg']))
    .option(
      '--host-directory <dir>',
      'where guests are kept; peers of one machine that name the same one serve its host by turns (default: the data directory)',
    )
    .option('--hosts <n>', 'how many simulated hosts', parseWholeNumber)
    .option('--vcpus <n>', 'what each host offers (default: what the machine has)', parseWholeNumber)
    .option('--ram <MiB>', 'likewise', parseWholeNumber)
    .option('--disk <GiB>', 'likewise', parseWholeNumber)
    .addOption(
      new Option('--log-level <level>', 'what goes to standard error').choices([
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
}

/** `settings` with what the options say instead. */
export function settingsWith(settings: Settings, flags: PeerFlags): Settings {
  const given = <K extends string, V>(key: K, value: V | undefined) =>
    (value === undefined ? {} : { [key]: value }) as { [key in K]?: V }
  return {
    ...(settings.store === undefined ? {} : { store: settings.store }),
    ...given('store', flags.store),
    api: { ...settings.api, ...flags.api, ...given('publicUrl', flags.publicUrl) },
    peer: {
      ...settings.peer,
      ...flags.peer,
      ...given('advertise', flags.advertise),
      ...given('failureDomains', flags.failureDomains && [...flags.failureDomains]),
    },
    host: {
      ...settings.host,
      ...given('hypervisor', flags.hypervisor),
      ...given('accel', flags.accel),
      ...given('directory', flags.hostDirectory && resolve(flags.hostDirectory)),
      ...given('count', flags.hosts),
      ...given('vcpus', flags.vcpus),
      ...given('ramMib', flags.ram),
      ...given('diskGib', flags.disk),
    },
    log: { ...settings.log, ...given('level', flags.logLevel) } as Settings['log'],
  }
}
