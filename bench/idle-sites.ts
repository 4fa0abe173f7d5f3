/**
 * What sites cost each other that have nothing to do: bytes between them, and the processor time of a peer. Real peers on
 * hosts of a lab, whose links count every byte.
 *
 *     ./atoll bench idle-sites [--sites N] [--seconds N]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startLocalCloud } from '@atoll/cli'
import { createLab, type Lab } from '@atoll/lab'
import { cpuSeconds, machineLine, residentMib } from './support/machine.ts'

/** One way. */
const WAN_DELAY_MS = 10
/** Until views, positions and the ring have come to rest. */
const SETTLE_MS = 60_000

const { values } = parseArgs({
  options: {
    sites: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(`Lets a cloud do nothing and counts what its sites send each other; needs root.

  --sites N     how many (default: 3)
  --seconds N   to count for, after a minute in which all comes to rest (default: 60)`)
} else {
  console.log(machineLine())
  await measure(Number(values.sites), Number(values.seconds))
}

async function measure(count: number, seconds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  const sites = Array.from({ length: count }, (_, index) => `site${index + 1}`)
  const lab = await createLab({ name: 'bench-idle', hosts: sites, wan: { delayMs: WAN_DELAY_MS } })
  try {
    const peerOptions = ['--hypervisor', 'simulated', '--log-level', 'warn']
    await using cloud = await startLocalCloud({ name: 'bench', sites, directory, lab, peerOptions })
    await pause(SETTLE_MS)
    const pids = cloud.peers.map(({ pid }) => pid ?? 0)
    const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
    const [bytesBefore, cpuBefore, sinceMs] = [await bytesOnWan(lab), cpu(), performance.now()]
    await pause(seconds * 1000)
    const elapsedSeconds = (performance.now() - sinceMs) / 1000
    const pairs = (count * (count - 1)) / 2
    const bytes = ((await bytesOnWan(lab)) - bytesBefore) / elapsedSeconds
    const share = (cpu() - cpuBefore) / elapsedSeconds / count
    const memory = pids.map((pid) => Math.round(residentMib(pid))).join(', ')
    console.log(
      `${count} idle sites: ${Math.round(bytes / pairs)} bytes/s between two of them, both ways together`,
    )
    console.log(`an idle peer: ${(share * 100).toFixed(1)} % of a core; resident MiB: ${memory}`)
  } finally {
    await lab.destroy()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What all hosts have sent so far: Ethernet frames, headers of all layers included. */
async function bytesOnWan(lab: Lab): Promise<number> {
  let sum = 0
  for (const { name } of lab.hosts) {
    const { stdout } = await lab.exec(name, 'ip', ['-json', '-statistics', 'link', 'show', 'dev', 'wan0'])
    const [link] = JSON.parse(stdout) as { stats64: { tx: { bytes: number } } }[]
    sum += link?.stats64.tx.bytes ?? 0
  }
  return sum
}
