/** An etcd cluster for tests and benchmarks: one member, or several. */

import { join } from 'node:path'
import { requireTools } from '../run-program.ts'
import type { ServerCertificates } from './server-certificates.ts'
import { loopbackHost, type ServerHost } from './server-host.ts'
import { prepareDirectory, type StoreServer, startServerProcess } from './store-server.ts'

export const etcdPackages: readonly string[] = ['etcd-server', 'util-linux', 'curl']

export interface EtcdOptions {
  readonly directory: string
  /** One member for each. Default: one on this machine's loopback. */
  readonly hosts?: readonly ServerHost[]
  /** With these its members speak TLS to clients. */
  readonly tls?: ServerCertificates
  /** By name, beside the defaults: `{ 'quota-backend-bytes': '8388608' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface EtcdCluster {
  readonly members: readonly StoreServer[]
  /** Names all members; a store uses the first that answers. */
  readonly url: string
  /** Starts a member that has ended, from its own directory. */
  restart(index: number): Promise<StoreServer>
  stop(): Promise<void>
}

interface MemberPlan {
  readonly name: string
  readonly directory: string
  readonly host: ServerHost
  readonly clientPort: number
  readonly peerPort: number
}

/** Starts the members side by side and waits until they have a leader. @throws ToolsMissing, ProgramFailed */
export async function startEtcd(options: EtcdOptions): Promise<EtcdCluster> {
  await requireTools([{ program: 'etcd', debianPackage: 'etcd-server' }])
  const { directory, hosts = [loopbackHost], settings = {}, tls } = options
  const plans: MemberPlan[] = []
  for (const [index, host] of hosts.entries()) plans.push(await planMember(directory, index, host))
  const initial = plans
    .map(({ name, host, peerPort }) => `${name}=http://${host.address}:${peerPort}`)
    .join(',')
  const start = (plan: MemberPlan) => startMember(plan, { ...settings, 'initial-cluster': initial }, tls)
  const started = await Promise.allSettled(plans.map(start))
  const members = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    await Promise.all(members.map((member) => member.stop()))
  }
  const failed = started.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  return {
    members,
    url: `${tls ? 'etcds' : 'etcd'}://${plans.map(({ host, clientPort }) => `${host.address}:${clientPort}`).join(',')}/atoll`,
    restart: async (index) => {
      const member = await start(plans[index] as MemberPlan)
      members[index] = member
      return member
    },
    stop,
  }
}

async function planMember(directory: string, index: number, host: ServerHost): Promise<MemberPlan> {
  const [clientPort, peerPort] = [await host.freePort(), await host.freePort()]
  return {
    name: `member-${index}`,
    directory: join(directory, `member-${index}`),
    host,
    clientPort,
    peerPort,
  }
}

async function startMember(
  plan: MemberPlan,
  settings: Readonly<Record<string, string>>,
  tls?: ServerCertificates,
): Promise<StoreServer> {
  const { name, directory, host, clientPort, peerPort } = plan
  const clientUrl = `${tls ? 'https' : 'http'}://${host.address}:${clientPort}`
  const peerUrl = `http://${host.address}:${peerPort}`
  const all = {
    name,
    'data-dir': join(directory, 'data'),
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    ...(tls ? { 'cert-file': tls.certificate, 'key-file': tls.key } : {}),
    ...settings,
  }
  await prepareDirectory(directory)
  const running = await startServerProcess({
    name: 'etcd',
    program: 'etcd',
    args: Object.entries(all).flatMap(([option, value]) => [`--${option}`, value]),
    directory,
    host,
    isReady: async () => {
      const trust = tls ? ['--cacert', tls.authority] : []
      const health = await host.run('curl', [
        ...['--silent', '--max-time', '2', ...trust],
        `${clientUrl}/health`,
      ])
      return health.includes('"true"')
    },
  })
  const scheme = tls ? 'etcds' : 'etcd'
  return { ...running, port: clientPort, url: `${scheme}://${host.address}:${clientPort}/atoll` }
}
