/**
 * The same services on each store that a site can have, with one and more peers, and with a WAN between them: what ROME's
 * papers measured of Nova, measured of Atoll. Hosts are simulated; peers, stores and network are real processes in network
 * namespaces of this machine. Needs root.
 *
 *     ./atoll bench stores [--stores NAME,…] [--peers N,…] [--rtts MS,…] [--servers N] [--calls N] [--rate N] [--json FILE] [--svg DIR]
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type StoreKind, storeKinds } from './stores/kinds.ts'
import { type Load, measure } from './stores/measure.ts'
import { type Line, tableHead, tableLine } from './stores/report.ts'
import { startSharedSite } from './stores/shared-site.ts'
import { machineLine } from './support/machine.ts'
import { plotLatencies } from './support/plot-latencies.ts'

const SIMULATED_HOSTS = 32
const MIXED_CLIENTS = 8

const { values } = parseArgs({
  options: {
    stores: { type: 'string', default: storeKinds.map(({ name }) => name).join(',') },
    peers: { type: 'string', default: '1,2,4,8' },
    rtts: { type: 'string', default: '0,10,50' },
    servers: { type: 'string', default: '500' },
    calls: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '200' },
    json: { type: 'string' },
    svg: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(`Creates many servers at once, then makes a mix of calls, on each store, and reports how long that takes.

  --stores NAME,…  of ${storeKinds.map(({ name }) => name).join(', ')} (default: all)
  --peers N,…      peers that share the store, each on a host of its own (default: 1,2,4,8)
  --rtts MS,…      round trip between any two hosts; with one peer and one server there is none (default: 0,10,50)
  --servers N      created at once (default: 500)
  --calls N        of the mix (default: 2000)
  --rate N         calls a second when the mix comes a second time, at a steady rate (default: 200)
  --json FILE      writes every latency there
  --svg DIR        draws the distributions there, one picture for each number of peers and round trip`)
} else {
  await compare()
}

async function compare(): Promise<void> {
  const load = {
    servers: Number(values.servers),
    mixedCalls: Number(values.calls),
    mixedClients: MIXED_CLIENTS,
    mixedPerSecond: Number(values.rate),
  }
  const chosen = values.stores.split(',').map(kindOf)
  const lines: Line[] = []
  console.log(`${machineLine()}\n\n${tableHead()}`)
  for (const rttMs of values.rtts.split(',').map(Number))
    for (const peers of values.peers.split(',').map(Number))
      for (const kind of chosen) {
        if (peers > kind.peersMax || (rttMs > 0 && peers === 1 && kind.hosts === 1)) continue
        const line = await compareOne(kind, { peers, rttMs, load })
        if (line === undefined) continue
        lines.push(line)
        console.log(tableLine(line))
        if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(lines))
        if (values.svg !== undefined) draw(values.svg, lines)
      }
}

/** All stores with as many peers and as far apart as the last line, side by side. */
function draw(directory: string, lines: readonly Line[]): void {
  const { peers, rttMs } = lines.at(-1) ?? {}
  const alike = lines.filter((line) => line.peers === peers && line.rttMs === rttMs)
  mkdirSync(directory, { recursive: true })
  for (const [what, of] of [
    ['mix of calls', 'mixLatenciesMs'],
    ['mix at a steady rate', 'steadyLatenciesMs'],
    ['servers at once', 'burstLatenciesMs'],
  ] as const) {
    const curves = alike.map(({ store, measured }) => ({ name: store, values: measured[of] }))
    const title = `${what}: ${peers} peer${peers === 1 ? '' : 's'}, ${rttMs} ms between them`
    writeFileSync(
      join(directory, `stores-${what.replaceAll(' ', '-')}-${peers}-peers-${rttMs}-ms.svg`),
      plotLatencies(title, curves),
    )
  }
}

/** Undefined when it could not be measured, which is told, and fails the run at its end. */
async function compareOne(
  kind: StoreKind,
  { peers, rttMs, load }: { peers: number; rttMs: number; load: Load },
): Promise<Line | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-stores-'))
  try {
    await using site = await startSharedSite({
      kind,
      peers,
      rttMs,
      directory,
      simulatedHosts: SIMULATED_HOSTS,
    })
    const measured = await measure(site, load)
    if (measured.failed > 0) console.log(`<!-- ${kind.name}: the first failure: ${measured.firstFailure} -->`)
    return { store: kind.name, peers, rttMs, measured }
  } catch (error) {
    console.log(`<!-- ${kind.name}, ${peers} peers, ${rttMs} ms: ${String(error)} -->`)
    process.exitCode = 1
    return undefined
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function kindOf(name: string): StoreKind {
  const kind = storeKinds.find((each) => each.name === name)
  if (kind === undefined)
    throw new Error(`no store ${name}; there are ${storeKinds.map((each) => each.name).join(', ')}`)
  return kind
}
