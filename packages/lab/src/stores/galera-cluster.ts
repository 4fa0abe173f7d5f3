/** A Galera cluster of MariaDB servers for tests and benchmarks: every node takes reads and writes. */

import { join } from 'node:path'
import { startMariadb } from './mariadb-server.ts'
import { freePort, prepareDirectory, type StoreServer } from './store-server.ts'

export interface GaleraClusterOptions {
  readonly directory: string
  /** One node for each. Default: three on 127.0.0.1. */
  readonly addresses?: readonly string[]
}

export interface GaleraCluster {
  readonly nodes: readonly StoreServer[]
  /** Names all nodes; a store uses the first that answers. */
  readonly url: string
  /** Starts a node that has ended; it brings itself up to date from the others. */
  restart(index: number): Promise<StoreServer>
  stop(): Promise<void>
}

interface NodePlan {
  readonly directory: string
  readonly address: string
  readonly port: number
  readonly groupPort: number
  readonly transferPorts: readonly [incremental: number, whole: number]
}

/** Starts the nodes one after the other. @throws ToolsMissing, ProgramFailed */
export async function startGalera(options: GaleraClusterOptions): Promise<GaleraCluster> {
  const addresses = options.addresses ?? ['127.0.0.1', '127.0.0.1', '127.0.0.1']
  await prepareDirectory(options.directory)
  const plans: NodePlan[] = []
  for (const [index, address] of addresses.entries())
    plans.push(await planNode(options.directory, index, address))
  const members = plans.map(({ address, groupPort }) => `${address}:${groupPort}`).join(',')
  const nodes: StoreServer[] = []
  const stop = async () => {
    // The last to stop is the one to begin with again.
    for (const node of nodes.toReversed()) await node.stop()
  }
  try {
    for (const [index, plan] of plans.entries())
      nodes.push(await startNode(plan, index === 0 ? 'gcomm://' : `gcomm://${members}`))
  } catch (error) {
    await stop()
    throw error
  }
  const hosts = plans.map(({ address, port }) => `${address}:${port}`).join(',')
  return {
    nodes,
    url: nodes[0]?.url.replace(/@[^/]+/, `@${hosts}`) ?? '',
    restart: async (index) => {
      const node = await startNode(plans[index] as NodePlan, `gcomm://${members}`)
      nodes[index] = node
      return node
    },
    stop,
  }
}

async function planNode(directory: string, index: number, address: string): Promise<NodePlan> {
  return {
    directory: join(directory, `node-${index}`),
    address,
    port: await freePort(address),
    groupPort: await freePort(address),
    transferPorts: [await freePort(address), await freePort(address)],
  }
}

function startNode(plan: NodePlan, cluster: string): Promise<StoreServer> {
  const { directory, address, port, groupPort, transferPorts } = plan
  const provider = {
    'gmcast.listen_addr': `tcp://${address}:${groupPort}`,
    'ist.recv_addr': `${address}:${transferPorts[0]}`,
    'gcache.size': '64M',
    // The nodes stop one after the other, and the one that is left goes on.
    'pc.recovery': 'false',
  }
  return startMariadb({
    directory,
    address,
    port,
    readyWithinMs: 120_000,
    settings: {
      'wsrep-on': 'ON',
      'wsrep-provider': '/usr/lib/galera/libgalera_smm.so',
      'wsrep-provider-options': Object.entries(provider)
        .map(([name, value]) => `${name}=${value}`)
        .join(';'),
      'wsrep-cluster-name': 'atoll',
      'wsrep-cluster-address': cluster,
      'wsrep-node-address': `${address}:${groupPort}`,
      'wsrep-sst-method': 'rsync',
      'wsrep-sst-receive-address': `${address}:${transferPorts[1]}`,
      'binlog-format': 'ROW',
      'innodb-autoinc-lock-mode': '2',
    },
  })
}
