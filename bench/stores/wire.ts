/** What crosses the wires of a lab's hosts, from the kernel's own counters. */

import type { Lab } from '@atoll/lab'

/**
 * Bytes that all hosts have sent to each other so far, headers included, and to themselves, since a peer beside its store
 * talks to it as well. Clients come over another link, which is not counted.
 */
export async function bytesSent(lab: Lab): Promise<number> {
  const counted = await Promise.all(
    lab.hosts.map(async ({ name }) => {
      const { stdout } = await lab.exec(name, 'ip', ['-j', '-s', 'link', 'show'])
      const links = JSON.parse(stdout) as readonly Link[]
      return links
        .filter(({ ifname }) => ifname === 'lo' || ifname === 'wan0')
        .reduce((sum, { stats64 }) => sum + stats64.tx.bytes, 0)
    }),
  )
  return counted.reduce((sum, bytes) => sum + bytes, 0)
}

interface Link {
  readonly ifname: string
  readonly stats64: { readonly tx: { readonly bytes: number } }
}
