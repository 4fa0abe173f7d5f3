/** One site whose peers lie apart, each on a host of its own, with one store for all of them. */

import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type LocalCloud, startLocalCloud } from '@atoll/cli'
import { createLab, type Lab, labServerHost } from '@atoll/lab'
import type { StoreKind } from './kinds.ts'

export interface SharedSiteOptions {
  readonly kind: StoreKind
  readonly peers: number
  /** Between any two hosts. */
  readonly rttMs: number
  /** Short; must be readable by all users, as some servers run as one of their own. */
  readonly directory: string
  readonly simulatedHosts: number
}

export interface SharedSite extends AsyncDisposable {
  readonly lab: Lab
  readonly cloud: LocalCloud
}

export async function startSharedSite(options: SharedSiteOptions): Promise<SharedSite> {
  const { kind, peers, rttMs, directory, simulatedHosts } = options
  const count = Math.max(peers, kind.hosts)
  const names = Array.from({ length: count }, (_, index) => `host${index + 1}`)
  const stack = new AsyncDisposableStack()
  try {
    // The store comes up and the peers join on a fast network: what is measured begins when they are ready.
    const lab = stack.use(await createLab({ name: 'stores', hosts: names, wan: { delayMs: 0 } }))
    mkdirSync(directory, { recursive: true })
    chmodSync(directory, 0o755)
    const hosts = names.map((name) => labServerHost(lab, name))
    const store = await kind.start?.({ hosts, directory })
    if (store) stack.defer(() => store.stop())
    const [first = '', ...others] = names.slice(0, peers)
    const cloud = stack.use(
      await startLocalCloud({
        name: 'bench',
        sites: [first],
        directory: join(directory, 'peers'),
        lab,
        ...(store ? { storeOf: () => store.url } : {}),
        peerOptions: ['--hypervisor', 'simulated', '--hosts', String(simulatedHosts), '--log-level', 'warn'],
      }),
    )
    for (const host of others) await cloud.addPeer({ site: first, name: host, host })
    for (const [index, from] of names.entries())
      for (const to of names.slice(index + 1)) await lab.wan.setDelay(from, to, rttMs / 2)
    const owned = stack.move()
    return { lab, cloud, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
