/** `atoll demo`: three sites on this machine, and the proof that they are one cloud. */

import { Command, Option } from 'commander'
import { STORE_KINDS, type StoreKind } from '../local-cloud/store-kinds.ts'

const SIMULATED = `atoll: not root, so without virtual machines: three peers listen on loopback, with simulated hosts and no WAN between
atoll: them. The APIs, the store and the federation are the real ones; guests only pretend. For real guests: sudo ./atoll demo
`

export function demoCommand(): Command {
  return new Command('demo')
    .description('run a cloud of three sites on this machine and boot a virtual machine in it')
    .option('--once', 'end after the proof')
    .option('--keep', 'leave the data and logs of the sites when it ends')
    .option('--simulated', 'with simulated hosts on loopback, as it does without root')
    .addOption(
      new Option('--store <kind>', 'with a server for the state of each site, started for it').choices(
        STORE_KINDS,
      ),
    )
    .addHelpText(
      'after',
      `
As root on Debian 12 it installs the packages that it needs and says so. It uploads an image at the first site and boots
it at the second, asked for at the third. Ctrl-C ends it and leaves nothing behind.

Examples:
  $ sudo ./atoll demo
  $ sudo ./atoll demo --once && echo proven
  $ sudo ./atoll demo --once --store redis`,
    )
    .action(async (flags: { once?: boolean; keep?: boolean; simulated?: boolean; store?: StoreKind }) => {
      const isReal = process.geteuid?.() === 0 && flags.simulated !== true
      if (!isReal) process.stderr.write(SIMULATED)
      const abort = new AbortController()
      const stop = () => abort.abort()
      // Not once: an impatient second Ctrl-C must not cut the cleaning up short.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
      try {
        // Loaded here, as peers are started by this program, too, and should not carry a demo with them.
        const { runDemo } = await import('../demo/run-demo.ts')
        await runDemo({
          isReal,
          isOnce: flags.once === true,
          isKept: flags.keep === true,
          ...(flags.store === undefined ? {} : { store: flags.store }),
          signal: abort.signal,
        })
      } catch (error) {
        if (!abort.signal.aborted) throw error
        process.exitCode = 130
      }
    })
}
