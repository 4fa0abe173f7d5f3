/**
 * What a look at the cloud takes: single kinds of calls, one after the other, on the full path: HTTP, token, query, JSON.
 * One peer with simulated hosts; peer and load are processes of their own.
 *
 *     ./atoll bench read-calls [--servers N] [--calls N] [--clients N,N…] [--store sqlite|redis] [--profile DIR]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startLocalCloud } from '@atoll/cli'
import { loopbackHost, startRedis } from '@atoll/lab'
import { drive, percentile } from './support/drive.ts'
import { loadHeaders, makeEstate, noneIsBuilding } from './support/estate.ts'
import type { LoadRequest } from './support/load-generator.ts'
import { cpuSeconds, machineLine } from './support/machine.ts'

const NETWORKS = 8
const WARM_UP = 200

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '2000' },
    clients: { type: 'string', default: '1,8' },
    store: { type: 'string', default: 'sqlite' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(`Asks a site with many servers for single things and for lists, and reports how fast it answers.

  --servers N       that the site has (default: 1000)
  --calls N         for each line of the report (default: 2000)
  --clients N,N…    at a time, one line for each (default: 1,8)
  --store NAME      sqlite or redis (default: sqlite)
  --profile DIR     writes a .cpuprofile of the peer there; open it in Chrome's DevTools`)
} else {
  await measureReads(mkdtempSync(join(tmpdir(), 'atoll-reads-')))
}

async function measureReads(directory: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const store =
    values.store === 'redis'
      ? await startRedis({ directory: join(directory, 'redis'), host: loopbackHost })
      : undefined
  if (store) stack.defer(() => store.stop())
  const { profile } = values
  const cloud = stack.use(
    await startLocalCloud({
      name: 'bench',
      sites: ['site1'],
      directory: join(directory, 'peers'),
      ...(store ? { storeOf: () => store.url } : {}),
      peerOptions: ['--hypervisor', 'simulated', '--hosts', '32', '--log-level', 'warn'],
      nodeArguments: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`],
    }),
  )
  const connection = await cloud.connect('site1')
  const { creates } = await makeEstate(connection, NETWORKS)
  const peer = cloud.peer('site1')
  const target = { urls: [peer.apiUrl], headers: loadHeaders(connection) }
  await drive({ ...target, requests: creates, count: Number(values.servers), clients: 32 })
  await noneIsBuilding(connection)
  const { servers } = await connection.get<{ servers: readonly { id: string }[] }>(
    'compute',
    '/v2.1/servers?limit=100',
  )
  console.log(`${machineLine()}\n\n${values.servers} servers, ${values.store}\n`)
  console.log('| call | clients | calls/s | p50 | p90 | p99 | CPU of the peer | failed |')
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const [name, paths] of callsOf(servers.map(({ id }) => id))) {
    const requests = paths.map((path): LoadRequest => ({ method: 'GET', path, statusExpected: 200 }))
    await drive({ ...target, requests, count: WARM_UP, clients: 1 })
    for (const clients of values.clients.split(',').map(Number)) {
      const cpuBefore = cpuSeconds(peer.pid ?? 0)
      const count = Number(values.calls)
      const result = await drive({ ...target, requests, count, clients })
      const cpuMs = ((cpuSeconds(peer.pid ?? 0) - cpuBefore) * 1000) / count
      const { latenciesMs, durationMs, failed } = result
      const shares = [0.5, 0.9, 0.99].map((share) => `${percentile(latenciesMs, share).toFixed(2)} ms`)
      const rate = (latenciesMs.length / (durationMs / 1000)).toFixed(0)
      console.log(
        `| ${name} | ${clients} | ${rate} | ${shares.join(' | ')} | ${cpuMs.toFixed(2)} ms | ${failed} |`,
      )
      if (failed > 0) process.exitCode = 1
    }
  }
}

function callsOf(ids: readonly string[]): readonly (readonly [name: string, paths: readonly string[]])[] {
  return [
    ['show a server', ids.map((id) => `/compute/v2.1/servers/${id}`)],
    ['list 20 servers, detailed', ['/compute/v2.1/servers/detail?limit=20']],
    ['list 1,000 servers, detailed', ['/compute/v2.1/servers/detail?limit=1000']],
    ['ports of a server', ids.map((id) => `/network/v2.0/ports?device_id=${id}`)],
    ['list flavors, detailed', ['/compute/v2.1/flavors/detail']],
    ['list images', ['/image/v2/images']],
  ]
}
