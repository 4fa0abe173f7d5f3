/**
 * How many servers a second a cloud accepts, durably, on the full path: HTTP, token, validation, quota, claim of a host,
 * address, commit. Hosts are simulated, everything else is what production runs; peers and load are processes of their own.
 *
 *     ./atoll bench create-servers [--servers N] [--concurrency N,N…] [--hosts N] [--networks N]
 *                                 [--sites N,N…] [--profile DIR]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type LocalCloud, startLocalCloud } from '@atoll/cli'
import { type Connection, waitUntil } from '@atoll/sdk'
import { drive, percentile } from './support/drive.ts'
import { loadHeaders, makeEstate, noneIsBuilding } from './support/estate.ts'
import type { LoadRequest } from './support/load-generator.ts'
import { cpuSeconds, machineLine, residentMib } from './support/machine.ts'

interface Settings {
  readonly servers: number
  readonly concurrencies: readonly number[]
  readonly hosts: number
  readonly networks: number
  readonly profileDirectory: string | undefined
}

const SETTLE_MS = 3000

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '5000' },
    concurrency: { type: 'string', default: '16,64' },
    hosts: { type: 'string', default: '1000' },
    networks: { type: 'string', default: '50' },
    sites: { type: 'string', default: '1,3' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const numbers = (text: string) => text.split(',').map(Number)
const settings: Settings = {
  servers: Number(values.servers),
  concurrencies: numbers(values.concurrency),
  hosts: Number(values.hosts),
  networks: Number(values.networks),
  profileDirectory: values.profile === undefined ? undefined : resolve(values.profile),
}

if (values.help) {
  console.log(`Creates servers on simulated hosts through the real API and reports how fast.

  --servers N         for each line of the report (default: 5000)
  --concurrency N,N…  clients at a time, one line for each (default: 16,64)
  --hosts N           simulated hosts of each site (default: 1000)
  --networks N        tenant networks that the servers are spread over (default: 50)
  --sites N,N…        how many sites, one cloud for each (default: 1,3)
  --profile DIR       writes a .cpuprofile of each peer there; open it in Chrome's DevTools`)
} else {
  console.log(machineLine())
  await measureIdle()
  for (const count of numbers(values.sites)) await measureCloud(count, settings)
}

async function measureCloud(
  siteCount: number,
  { hosts, networks, profileDirectory, ...load }: Settings,
): Promise<void> {
  const sites = Array.from({ length: siteCount }, (_, index) => `site${index + 1}`)
  const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  const profile = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
  try {
    await using cloud = await startLocalCloud({
      name: 'bench',
      sites,
      directory,
      peerOptions: ['--hypervisor', 'simulated', '--hosts', `${hosts}`, '--log-level', 'warn'],
      nodeArguments: profile,
    })
    console.log(
      `\n${siteCount === 1 ? 'One site' : `${siteCount} sites`}, ${hosts} simulated hosts each, ${networks} networks`,
    )
    const target = await prepare(cloud, networks)
    console.log('clients  creates/s       p50       p95       p99  CPU ms/create  RSS MiB  all ACTIVE after')
    for (const clients of load.concurrencies)
      await measureLoad(cloud, { ...target, clients, servers: load.servers })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What an operator waits for, and what a peer takes that has nothing to do: one simulated host, nothing on it. */
async function measureIdle(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  try {
    const peerOptions = ['--hypervisor', 'simulated', '--log-level', 'warn']
    await using cloud = await startLocalCloud({ name: 'bench', sites: ['site1'], directory, peerOptions })
    const peer = cloud.peer('site1')
    await peer.stop()
    const startedMs = performance.now()
    await peer.start()
    const readyMs = Math.round(performance.now() - startedMs)
    const pid = peer.pid ?? 0
    await pause(SETTLE_MS)
    const [cpuBefore, sinceMs] = [cpuSeconds(pid), performance.now()]
    await pause(SETTLE_MS)
    const share = (cpuSeconds(pid) - cpuBefore) / ((performance.now() - sinceMs) / 1000)
    const rss = Math.round(residentMib(pid))
    console.log(
      `idle peer: ready ${readyMs} ms after its start, ${rss} MiB, ${(share * 100).toFixed(1)} % of a core`,
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Target {
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly requests: readonly LoadRequest[]
  readonly connections: readonly Connection[]
}

async function prepare(cloud: LocalCloud, networks: number): Promise<Target> {
  const connections = await Promise.all(cloud.peers.map(({ site }) => cloud.connect(site)))
  const [first] = connections
  if (first === undefined) throw new Error('a cloud without sites')
  const { networkIds, creates } = await makeEstate(first, networks)
  await Promise.all(connections.map((connection) => knows(connection, networkIds.at(-1) ?? '')))
  return {
    connections,
    urls: cloud.peers.map(({ apiUrl }) => apiUrl),
    headers: loadHeaders(first),
    requests: creates,
  }
}

/** The last network was made last of all: a site that has its replica has all that came before it. */
async function knows(connection: Connection, networkId: string): Promise<void> {
  await waitUntil({ what: 'the networks are known everywhere', timeoutMs: 30_000 }, async () => {
    const { networks } = await connection.get<{
      networks: readonly { id: string; subnets: readonly string[] }[]
    }>('network', '/v2.0/networks')
    return networks.some(({ id, subnets }) => id === networkId && subnets.length > 0)
  })
}

async function measureLoad(
  cloud: LocalCloud,
  { connections, clients, servers, ...load }: Target & { clients: number; servers: number },
): Promise<void> {
  const pids = cloud.peers.flatMap(({ pid }) => pid ?? [])
  const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const cpuBefore = cpu()
  const startedMs = performance.now()
  const result = await drive({ ...load, clients, count: servers })
  const cpuMs = ((cpu() - cpuBefore) * 1000) / servers
  const rss = Math.round(Math.max(...pids.map(residentMib)))
  await Promise.all(connections.map(noneIsBuilding))
  const activeMs = performance.now() - startedMs
  const { latenciesMs, durationMs, failed, firstFailure } = result
  const rate = latenciesMs.length / (durationMs / 1000)
  const cells = [
    String(clients).padStart(7),
    rate.toFixed(0).padStart(10),
    ...[0.5, 0.95, 0.99].map((share) => `${percentile(latenciesMs, share).toFixed(1)} ms`.padStart(10)),
    cpuMs.toFixed(2).padStart(15),
    String(rss).padStart(9),
    `${(activeMs / 1000).toFixed(1)} s`.padStart(18),
  ]
  console.log(cells.join(''))
  if (failed > 0) {
    console.log(`${failed} of ${servers} failed; the first: ${firstFailure}`)
    process.exitCode = 1
  }
}
