/** A Galera cluster of MariaDB servers for tests and benchmarks: every node takes reads and writes. */

import { join } from 'node:path'
import { startMariadb } from './mariadb-server.ts'
import { loopbackHosts, type ServerHost } from './server-host.ts'
import { prepareDirectory, type SqlStoreServer } from './store-server.ts'

export interface GaleraClusterOptions {
  readonly directory: string
  /** One node for each. Default: three on this machine's loopback. */
  readonly hosts?: readonly ServerHost[]
}

export interface GaleraCluster {
  readonly nodes: readonly SqlStoreServer[]
  /** Names all nodes; a store uses the first that answers. */
  readonly url: string
  /** Makes a database, and waits until all nodes have it. */
  createDatabase(name: string): Promise<void>
  /** Starts a node that has ended; it brings itself up to date from the others. */
  restart(index: number): Promise<SqlStoreServer>
  stop(): Promise<void>
}

/** Answers when the node has applied what the others have committed. */
const CAUGHT_UP = 'set session wsrep_sync_wait = 1; select 1 from information_schema.schemata limit 1'

interface NodePlan {
  readonly directory: string
  readonly host: ServerHost
  readonly port: number
  readonly groupPort: number
  readonly transferPorts: readonly [incremental: number, whole: number]
}

/** Starts the nodes one after the other. @throws ToolsMissing, ProgramFailed */
export async function startGalera(options: GaleraClusterOptions): Promise<GaleraCluster> {
  const { hosts = loopbackHosts(3) } = options
  await prepareDirectory(options.directory)
  const plans: NodePlan[] = []
  for (const [index, host] of hosts.entries()) plans.push(await planNode(options.directory, index, host))
  const members = plans.map(({ host, groupPort }) => `${host.address}:${groupPort}`).join(',')
  const nodes: SqlStoreServer[] = []
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
  const addresses = plans.map(({ host, port }) => `${host.address}:${port}`).join(',')
  return {
    nodes,
    url: nodes[0]?.url.replace(/@[^/]+/, `@${addresses}`) ?? '',
    createDatabase: async (name) => {
      const [first, ...others] = nodes
      await first?.createDatabase(name)
      await Promise.all(others.map((node) => node.execute(CAUGHT_UP)))
    },
    restart: async (index) => {
      const node = await startNode(plans[index] as NodePlan, `gcomm://${members}`)
      nodes[index] = node
      return node
    },
    stop,
  }
}

async function planNode(directory: string, index: number, host: ServerHost): Promise<NodePlan> {
  return {
    directory: join(directory, `node-${index}`),
    host,
    port: await host.freePort(),
    groupPort: await host.freePort(),
    transferPorts: [await host.freePort(), await host.freePort()],
  }
}

function startNode(plan: NodePlan, cluster: string): Promise<SqlStoreServer> {
  const { directory, host, port, groupPort, transferPorts } = plan
  const { address } = host
  const provider = {
    'gmcast.listen_addr': `tcp://${address}:${groupPort}`,
    'ist.recv_addr': `${address}:${transferPorts[0]}`,
    'gcache.size': '64M',
    // The nodes stop one after the other, and the one that is left goes on.
    'pc.recovery': 'false',
  }
  return startMariadb({
    directory,
    host,
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
