/**
 * Two hosts as network namespaces, joined by a cable, each with a peer of its own process; guests are namespaces whose
 * network card is the other end of the pair that stands for their tap. Everything is named after this process.
 */

import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deviceName } from '../device-name.ts'
import type { LocalPort } from '../fabric.ts'
import { ownerOf } from '../linux/linux-fabric.ts'
import { PATH } from '../linux/program.ts'
import type { FabricWorld, GuestLease, WorldGuest, WorldHost } from './fabric-world.ts'
import { WorkerPeer } from './worker-peer.ts'

/** Nothing that a test runs may hang longer. */
const PROGRAM_MS_MAX = 20_000
/** An emulated processor on a busy machine takes its time. */
const MACHINE_MS_MAX = 90_000

export interface LinuxHost extends WorldHost {
  readonly namespace: string
  /** What names that the whole machine shares carry. */
  readonly owner: string
  fabric(): WorkerPeer
  boot(port: LocalPort): Promise<LinuxGuest>
  /** Boots a virtual machine on the tap of a port and waits until its console says `expected`; then it is stopped. */
  bootMachine(options: MachineOptions): Promise<string>
  /** Runs a program on the host and returns what it prints. */
  run(...command: readonly string[]): Promise<string>
}

export interface MachineOptions {
  readonly tap: string
  readonly port: LocalPort
  readonly expected: RegExp
}

export interface LinuxGuest extends WorldGuest {
  /** Runs a program in the guest; `isOk` tells whether it ended well. */
  try(
    ...command: readonly string[]
  ): Promise<{ readonly isOk: boolean; readonly stdout: string; readonly stderr: string }>
}

export interface LinuxWorld extends FabricWorld {
  readonly hosts: readonly [LinuxHost, LinuxHost]
}

let worlds = 0

export async function linuxWorld({ attach = 'veth' }: { attach?: 'tap' | 'veth' } = {}): Promise<LinuxWorld> {
  const prefix = `attest-${process.pid}-${++worlds}`
  const directory = await mkdtemp(join(tmpdir(), 'atoll-fabric-'))
  await writeFile(join(directory, 'lease'), LEASE_SCRIPT)
  await chmod(join(directory, 'lease'), 0o755)
  const namespaces: string[] = []
  const addNamespace = async (name: string) => {
    await sh('ip', 'netns', 'add', name)
    namespaces.push(name)
    await sh('ip', '-n', name, 'link', 'set', 'lo', 'up')
    return name
  }
  const context: Context = { prefix, directory, addNamespace, attach, guests: 0, peers: new Set() }
  const [left, right] = [await addNamespace(`${prefix}-a`), await addNamespace(`${prefix}-b`)]
  await sh(...words(`ip link add uplink netns ${left} type veth peer name uplink netns ${right}`))
  const hosts = [await makeHost(left, 1, context), await makeHost(right, 2, context)] as const
  return {
    hosts,
    close: async () => {
      for (const peer of context.peers) await peer.kill()
      for (const name of namespaces) await sh('ip', 'netns', 'delete', name)
      await rm(directory, { recursive: true })
    },
  }
}

/** Runs a program of this machine and returns what it prints. */
export async function sh(...command: readonly string[]): Promise<string> {
  const { isOk, stdout, stderr } = await attempt(command)
  if (!isOk) throw new Error(`${command.join(' ')}: ${stderr}`)
  return stdout
}

interface Context {
  readonly prefix: string
  readonly directory: string
  readonly attach: 'tap' | 'veth'
  readonly addNamespace: (name: string) => Promise<string>
  readonly peers: Set<WorkerPeer>
  guests: number
}

async function makeHost(namespace: string, number: number, context: Context): Promise<LinuxHost> {
  const tunnelIp = `198.18.0.${number}`
  await sh(...words(`ip -n ${namespace} address add ${tunnelIp}/24 dev uplink`))
  await sh(...words(`ip -n ${namespace} link set uplink up`))
  const stateDirectory = await mkdtemp(join(context.directory, 'peer-'))
  const start = () => {
    const started = new WorkerPeer({ namespace, stateDirectory, tunnelIp, attach: context.attach })
    context.peers.add(started)
    return started
  }
  let peer = start()
  return {
    tunnelIp,
    namespace,
    owner: ownerOf(stateDirectory),
    fabric: () => peer,
    restartPeer: async () => {
      await peer.kill()
      peer = start()
    },
    bootMachine: (options) => bootMachine(namespace, options),
    run: (...command) => sh('ip', 'netns', 'exec', namespace, ...command),
    boot: async (port) => {
      const guest = await context.addNamespace(`${context.prefix}-guest${++context.guests}`)
      const card = deviceName('guest', port.id)
      await sh(
        ...words(`ip -n ${namespace} link set ${card} netns ${guest} name eth0 address ${port.macAddress}`),
      )
      await sh(...words(`ip -n ${guest} link set eth0 up`))
      return makeGuest(guest, join(context.directory, 'lease'))
    },
  }
}

function makeGuest(namespace: string, leaseScript: string): LinuxGuest {
  const run = (...command: readonly string[]) => attempt(['ip', 'netns', 'exec', namespace, ...command])
  return {
    try: run,
    lease: async () => {
      const options = words('-i eth0 -f -q -n -t 4 -T 1 -A 1 -O mtu -O staticroutes')
      const { isOk, stdout } = await run('busybox', 'udhcpc', ...options, '-s', leaseScript)
      return isOk ? readLease(stdout) : undefined
    },
    reaches: async ({ fixedIps }) => {
      const { isOk } = await run('busybox', 'ping', '-c', '1', '-W', '1', fixedIps[0]?.ipAddress ?? '')
      return isOk
    },
    metadataCaller: async () => {
      const claim = ['--header', 'X-Forwarded-For: 10.20.30.99', '--header', 'X-Instance-ID: another']
      // Busybox's own time-out option crashes in some static builds.
      const wget = ['busybox', 'timeout', '3', 'busybox', 'wget', '-q', '-O', '-']
      const { isOk, stdout } = await run(...wget, ...claim, METADATA_URL)
      return isOk ? JSON.parse(stdout) : undefined
    },
  }
}

// No disk: the firmware on the network card asks for an address and says what it got on the serial console.
function bootMachine(namespace: string, { tap, port, expected }: MachineOptions): Promise<string> {
  const machine = words(
    'qemu-system-x86_64 -accel tcg -machine q35,graphics=off -m 64 -nodefaults -display none',
  )
  const card = words(`-netdev tap,id=card,ifname=${tap},script=no,downscript=no -boot n -serial stdio`)
  const device = ['-device', `virtio-net-pci,netdev=card,mac=${port.macAddress}`]
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['netns', 'exec', namespace, ...machine, ...card, ...device], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: MACHINE_MS_MAX,
      killSignal: 'SIGKILL',
      env: { PATH },
    })
    let console = ''
    child.stdout.on('data', (chunk: Buffer) => {
      console += chunk.toString()
      if (expected.test(console)) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', () =>
      expected.test(console) ? resolve(console) : reject(new Error(`console: ${console}`)),
    )
  })
}

const METADATA_URL = 'http://169.254.169.254/openstack'

const LEASE_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip address flush dev "$interface"
ip address add "$ip/$mask" dev "$interface"
ip link set "$interface" mtu "$mtu"
for name in ip hostname router dns mtu lease staticroutes; do eval "echo $name=\\$$name"; done
set -- $staticroutes
while [ $# -gt 1 ]; do ip route replace "$1" via "$2" dev "$interface"; shift 2; done
`

function readLease(stdout: string): GuestLease {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? ''
  const routes = words(value('staticroutes'))
  return {
    ipAddress: value('ip'),
    hostname: value('hostname'),
    router: value('router') || null,
    dnsNameservers: words(value('dns')),
    mtu: Number(value('mtu')),
    leaseSeconds: Number(value('lease')),
    routes: routes.flatMap((destination, index) =>
      index % 2 === 0 ? [{ destination, nexthop: routes[index + 1] ?? '' }] : [],
    ),
  }
}

function words(line: string): readonly string[] {
  return line.split(' ').filter((word) => word !== '')
}

function attempt([program = '', ...args]: readonly string[]) {
  return new Promise<{ isOk: boolean; stdout: string; stderr: string }>((resolve) => {
    execFile(program, args, { timeout: PROGRAM_MS_MAX, env: { PATH } }, (error, stdout, stderr) =>
      resolve({ isOk: error === null, stdout, stderr: stderr || (error?.message ?? '') }),
    )
  })
}
