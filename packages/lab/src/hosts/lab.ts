/**
 * Sites in network namespaces of one machine, with a WAN between them that the caller controls.
 *
 * ```
 *   root namespace:  clients ── bridge atoll-lab<n> ──────┬──────────────┐
 *                               relay (keeper process)    │ operator     │ operator link: no delay
 *   host namespaces:                                  operator0      operator0
 *                                                     wan0 (VXLAN    wan0: what hosts send each other goes to the
 *                                                       to the relay)  relay in UDP over the operator link
 * ```
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { assert } from '@atoll/kit'
import { LabHostUnknown, LabNameTaken, LabSubnetsExhausted, type MissingTool, NotRoot } from '../errors.ts'
import {
  isRoot,
  type ProgramResult,
  type RunOptions,
  requireTools,
  runProgram,
  runToEnd,
} from '../run-program.ts'
import { labNamespaces, removeLab, sweepStaleLabs } from './clean-up.ts'
import { holdHost, onHost } from './host-holder.ts'
import { Keeper } from './keeper.ts'
import { type LabMark, markedLabs, writeMark } from './lab-mark.ts'
import {
  bridgeName,
  HOST_COUNT_MAX,
  hostCommands,
  isOfLab,
  LAB_COUNT_MAX,
  type LabPlan,
  labPlan,
  OPERATOR_MTU,
  quietUp,
  rootCommands,
} from './lab-plan.ts'
import { isAlive, processIdentity } from './process-identity.ts'
import { type Wan, wanOf } from './wan.ts'

export interface LabOptions {
  /** Unique on the machine. 1 to 32 lower case letters, digits and dashes, a letter first; hosts likewise. */
  readonly name: string
  /** Names of the sites, up to 64. */
  readonly hosts: readonly string[]
  /** What every pair of hosts starts with. */
  readonly wan: {
    /** One way; the round trip takes twice as long. */
    readonly delayMs: number
    /** Each frame waits up to so much longer; frames keep their order. Default 0. */
    readonly jitterMs?: number
    /** In [0, 1]. Default 0. */
    readonly lossRatio?: number
  }
  /** Replays losses and jitter for the same sequence of frames. Default: the name. */
  readonly seed?: string
}

export interface LabHost {
  readonly name: string
  /** As `ip netns` knows it. */
  readonly namespace: string
  /** Reached from the root namespace without delay; from other hosts over the WAN. */
  readonly operatorIp: string
  /** Where other hosts reach it. */
  readonly wanIp: string
}

export interface Lab {
  readonly name: string
  readonly hosts: readonly LabHost[]
  /** The root namespace's address on the operator net, where hosts reach clients. */
  readonly operatorIp: string
  readonly wan: Wan
  /** @throws LabHostUnknown */
  host(name: string): LabHost
  /** Runs a program on a host to its end; the exit code is in the result. */
  exec(host: string, program: string, args?: readonly string[], options?: RunOptions): Promise<ProgramResult>
  /** Starts a program on a host. The process is the program itself; `destroy` ends it if it still runs. */
  spawn(host: string, program: string, args?: readonly string[], options?: SpawnOptions): ChildProcess
  /** Ends what runs on the hosts and removes everything. Also happens by itself when this process ends. */
  destroy(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const TOOLS: readonly MissingTool[] = [
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'ethtool', debianPackage: 'ethtool' },
  { program: 'nsenter', debianPackage: 'util-linux' },
]

/** What must be installed to make a lab. */
export const labPackages: readonly string[] = TOOLS.map(({ debianPackage }) => debianPackage)

const KEEPER_WAIT_MS = 15_000

/**
 * Makes a lab. First removes those whose owner is gone.
 * @throws NotRoot, ToolsMissing, LabNameInvalid, LabNameTaken, LabSubnetsExhausted, WanRelayFailed, ProgramFailed
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  const { name, hosts } = options
  labPlan({ name, number: 0, hosts })
  assert(new Set(hosts).size === hosts.length, 'hosts of a lab have different names')
  assert(hosts.length <= HOST_COUNT_MAX, `a lab has at most ${HOST_COUNT_MAX} hosts`)
  if (!isRoot()) throw NotRoot({ what: 'make network namespaces' })
  await requireTools(TOOLS)
  await sweepStaleLabs()
  await refuseTakenName(name)
  const owner = processIdentity(process.pid)
  assert(owner !== undefined, 'this process is in /proc')
  const plan = labPlan({ name, number: await claimNumber({ name, owner }), hosts })
  const keeper = new Keeper()
  const destroy = () => removeLab(name, { owner, endKeeper: () => keeper.stop() })
  try {
    await build(plan, options, keeper, { name, owner })
    const holders = await Promise.all(
      plan.hosts.map(async ({ name: host, namespace }) => [host, await holdHost(namespace)] as const),
    )
    return labOf(plan, { keeper, holders: new Map(holders), destroy })
  } catch (error) {
    await destroy()
    throw error
  }
}

async function refuseTakenName(name: string): Promise<void> {
  const deadlineMs = performance.now() + KEEPER_WAIT_MS
  for (;;) {
    const lab = (await markedLabs()).find(({ mark }) => mark.name === name)
    if (lab === undefined) break
    if (isAlive(lab.mark.owner) || performance.now() > deadlineMs) throw LabNameTaken({ name })
    // Its owner has just ended, as when one stops the demo and starts it again: the keeper is removing the lab.
    await pause(50)
    await sweepStaleLabs()
  }
  // Every lab has its bridge before its first namespace: one without is what a killed owner left behind.
  if ((await labNamespaces(name)).length > 0) await removeLab(name)
}

/** The kernel lets only one of several callers make the bridge of a number: that is the lock on its subnets. */
async function claimNumber(mark: LabMark): Promise<number> {
  for (let number = 0; number < LAB_COUNT_MAX; number++) {
    const taken = await takenAddresses()
    const bridge = bridgeName(number)
    if (taken.links.has(bridge) || taken.ips.some((ip) => isOfLab(number, ip))) continue
    const made = await runToEnd('ip', ['link', 'add', bridge, 'mtu', String(OPERATOR_MTU), 'type', 'bridge'])
    if (made.exitCode === 0) {
      await writeMark(bridge, mark)
      await yieldName(bridge, mark.name)
      return number
    }
    // Lost the race for this number: try the next. Any other failure would repeat without end in sight.
    if (!(await takenAddresses()).links.has(bridge)) {
      await runProgram('ip', ['link', 'add', bridge, 'mtu', String(OPERATOR_MTU), 'type', 'bridge'])
    }
  }
  throw LabSubnetsExhausted({})
}

/** Of two processes that take one name at the same time, at least the second to write its mark sees the other's. */
async function yieldName(bridge: string, name: string): Promise<void> {
  const isTaken = (await markedLabs()).some((lab) => lab.mark.name === name && lab.bridge !== bridge)
  if (!isTaken) return
  await runProgram('ip', ['link', 'delete', 'dev', bridge])
  throw LabNameTaken({ name })
}

interface AddressRow {
  readonly ifname: string
  readonly addr_info: readonly { readonly local: string }[]
}

async function takenAddresses(): Promise<{ links: ReadonlySet<string>; ips: readonly string[] }> {
  const rows = JSON.parse(await runProgram('ip', ['-j', 'address', 'show'])) as readonly AddressRow[]
  return {
    links: new Set(rows.map(({ ifname }) => ifname)),
    ips: rows.flatMap((row) => row.addr_info.map(({ local }) => local)),
  }
}

async function build(plan: LabPlan, options: LabOptions, keeper: Keeper, mark: LabMark): Promise<void> {
  const { bridge, operatorIp, operatorCidr, hosts } = plan
  const identity = keeper.identity
  const fullMark: LabMark = identity === undefined ? mark : { ...mark, keeper: identity }
  await writeMark(bridge, fullMark)
  await ipBatch([], [`address add ${operatorCidr} dev ${bridge}`, ...quietUp(bridge)])
  await keeper.order({
    kind: 'start',
    mark: fullMark,
    seed: options.seed ?? options.name,
    relay: {
      ip: operatorIp,
      hosts: hosts.map((host) => ({
        name: host.name,
        ip: host.operatorIp,
        port: host.wanPort,
        mac: host.wanMac,
      })),
      link: { jitterMs: 0, lossRatio: 0, ...options.wan, isCut: false },
    },
  })
  await ipBatch([], rootCommands(plan))
  await Promise.all(
    hosts.map(async (host) => {
      await ipBatch(['-netns', host.namespace], hostCommands(plan, host))
      // The relay is a plain socket: checksums and segments that a driver would finish must be finished before it.
      const offload = ['ethtool', '-K', 'wan0', 'tx', 'off', 'gso', 'off']
      await runProgram('ip', ['netns', 'exec', host.namespace, ...offload])
    }),
  )
}

async function ipBatch(args: readonly string[], commands: readonly string[]): Promise<void> {
  await runProgram('ip', [...args, '-batch', '-'], { stdin: `${commands.join('\n')}\n` })
}

interface BuiltLab {
  readonly keeper: Keeper
  /** Process ids by name of the host. */
  readonly holders: ReadonlyMap<string, number>
  readonly destroy: () => Promise<void>
}

function labOf(plan: LabPlan, { keeper, holders, destroy }: BuiltLab): Lab {
  const hosts = plan.hosts.map(({ name, namespace, operatorIp, wanIp }) => ({
    name,
    namespace,
    operatorIp,
    wanIp,
  }))
  const host = (name: string): LabHost => {
    const found = hosts.find((each) => each.name === name)
    if (found === undefined) throw LabHostUnknown({ name })
    return found
  }
  const words = (name: string, cwd: string | URL = process.cwd()): readonly string[] => {
    const directory = cwd instanceof URL ? fileURLToPath(cwd) : cwd
    return onHost(holders.get(host(name).name) ?? 0, directory)
  }
  return {
    name: plan.name,
    hosts,
    operatorIp: plan.operatorIp,
    wan: wanOf(
      hosts.map(({ name }) => name),
      keeper,
    ),
    host,
    exec: async (name, program, args = [], options = {}) => {
      const [nsenter = '', ...entering] = words(name, options.cwd)
      return runToEnd(nsenter, [...entering, program, ...args], options)
    },
    spawn: (name, program, args = [], options = {}) => {
      const [nsenter = '', ...entering] = words(name, options.cwd)
      return spawn(nsenter, [...entering, program, ...args], options)
    },
    destroy,
    [Symbol.asyncDispose]: destroy,
  }
}
