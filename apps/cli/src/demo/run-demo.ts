/** The demo, from what the machine lacks to the end of everything that it started. */

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, silentLogger } from '@atoll/kit'
import { buildGuestImage, createLab, ensurePackages, type Lab, labServerHost, loopbackHost } from '@atoll/lab'
import { type DefaultRenderer, Listr, type ListrTaskWrapper, PRESET_TIMER, type SimpleRenderer } from 'listr2'
import { askDistances } from '../admin-client.ts'
import { cloudsYaml } from '../client-settings.ts'
import { distanceTable } from '../commands/distances.ts'
import { type LocalCloud, startLocalCloud } from '../local-cloud/local-cloud.ts'
import { lastLines } from '../local-cloud/local-peer.ts'
import { type SiteStore, startSiteStore, storePackages } from '../local-cloud/site-store.ts'
import type { StoreKind } from '../local-cloud/store-kinds.ts'
import { demoPackages } from '../packages-needed.ts'
import { projectHome } from '../run-program.ts'
import { nextSteps, positionTable, proofTable } from './demo-report.ts'
import { type ProofOptions, type ProofStep, prove } from './prove.ts'

export interface DemoOptions {
  /** Real guests on a lab with a WAN; else simulated hosts on loopback. */
  readonly isReal: boolean
  /** The kind of server that keeps the state of each site; default: a file at each. */
  readonly store?: StoreKind
  /** Ends after the proof instead of when `signal` aborts. */
  readonly isOnce: boolean
  /** Leaves data and logs when it ends. */
  readonly isKept: boolean
  readonly signal: AbortSignal
}

const SITES = ['site1', 'site2', 'site3'] as const
/** One way: a round trip takes 20 ms. */
const WAN_DELAY_MS = 10
const LOG_LINES = 25
const MIB = 1 << 20

interface Progress {
  lab?: Lab
  stores?: ReadonlyMap<string, SiteStore>
  cloud?: LocalCloud
  image?: Pick<ProofOptions, 'image' | 'readyPattern'>
  steps?: readonly ProofStep[]
}

type Task = ListrTaskWrapper<Progress, typeof DefaultRenderer, typeof SimpleRenderer>

/** Resolves when the proof is done and, unless it runs once, the signal has aborted. Nothing of it is left then. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { isOnce, isKept, signal } = options
  const directory = mkdtempSync(join(tmpdir(), 'atoll-demo-'))
  const progress: Progress = {}
  try {
    await tasksOf(options, directory).run(progress)
    const { cloud, steps = [] } = progress
    process.stdout.write(`\n${proofTable(steps)}\n\n`)
    if (cloud) process.stdout.write(`${await describePlaces(cloud)}\n\n`)
    if (isOnce || cloud === undefined) return
    process.stdout.write(`${describeCloud(cloud)}\nCtrl-C ends the cloud and leaves nothing behind.\n`)
    await aborted(signal)
    process.stdout.write('\nending the cloud …\n')
  } catch (error) {
    // Who stops the demo does not want to read why it did not go on.
    if (!signal.aborted) showLogs(directory)
    throw error
  } finally {
    await progress.cloud?.stop()
    for (const store of progress.stores?.values() ?? []) await store.stop()
    await progress.lab?.destroy()
    if (isKept) process.stdout.write(`Data and logs are in ${directory}\n`)
    else rmSync(directory, { recursive: true, force: true })
  }
}

function tasksOf({ isReal, store, signal }: DemoOptions, directory: string) {
  const peerOptions = isReal ? ['--hypervisor', 'qemu'] : ['--hypervisor', 'simulated', '--hosts', '4']
  return new Listr<Progress, 'default', 'simple'>(
    [
      {
        title: 'Debian packages',
        enabled: isReal || store !== undefined,
        task: async (_, task) => {
          const needed = [...(isReal ? demoPackages : []), ...(store ? storePackages[store] : [])]
          await ensurePackages(needed, { log: taskLog(task) })
        },
      },
      {
        title: 'guest image',
        task: async (progress, task) => {
          progress.image = isReal ? await realImage(taskLog(task)) : simulatedImage()
        },
      },
      {
        title: `three hosts with a WAN of ${2 * WAN_DELAY_MS} ms round trip`,
        enabled: isReal,
        task: async (progress) => {
          progress.lab = await createLab({
            name: 'demo',
            hosts: SITES,
            wan: { delayMs: WAN_DELAY_MS },
          })
        },
      },
      {
        title: `a ${store ?? ''} server for each site`,
        enabled: store !== undefined,
        task: async (progress) => {
          if (store !== undefined) progress.stores = await startStores(store, directory, progress.lab)
        },
      },
      {
        title: 'a cloud of three sites',
        task: async (progress, task) => {
          progress.cloud = await startLocalCloud({
            name: 'demo',
            sites: SITES,
            directory,
            peerOptions: [...peerOptions, '--log-level', 'info'],
            signal,
            onStep: (what) => say(task, what),
            ...(progress.lab && { lab: progress.lab }),
            ...(progress.stores && { storeOf: (site) => progress.stores?.get(site)?.url }),
          })
        },
      },
      {
        title: 'image at site1, machine at site2, asked for at site3',
        task: async (progress, task) => {
          const { cloud, image } = progress
          if (cloud === undefined || image === undefined) return
          const onStep = (step: ProofStep) => say(task, `${step.what}: ${step.result}`)
          progress.steps = await prove({ cloud, ...image, signal, onStep })
        },
      },
    ],
    {
      fallbackRenderer: 'simple',
      // Our own handler cleans up; the library's would end the process before it can.
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, collapseErrors: false },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  )
}

async function startStores(
  kind: StoreKind,
  directory: string,
  lab: Lab | undefined,
): Promise<ReadonlyMap<string, SiteStore>> {
  // Servers that run as a user of their own must come to their part of it.
  chmodSync(directory, 0o711)
  const stores = new Map<string, SiteStore>()
  for (const site of SITES) {
    const host = lab ? labServerHost(lab, site) : loopbackHost
    stores.set(site, await startSiteStore(kind, { directory: join(directory, `store-${site}`), host }))
  }
  return stores
}

async function realImage(log: Logger): Promise<Pick<ProofOptions, 'image' | 'readyPattern'>> {
  const { path, format } = await buildGuestImage({ cacheDirectory: join(projectHome, '.atoll/cache'), log })
  return {
    image: { content: readFileSync(path), diskFormat: format },
    readyPattern: /atoll-guest: ready/,
  }
}

/** Bytes that stand for an image: nothing will ever boot from them. */
function simulatedImage(): Pick<ProofOptions, 'image' | 'readyPattern'> {
  return { image: { content: randomBytes(MIB), diskFormat: 'raw' }, readyPattern: /login:/ }
}

function say(task: Pick<Task, 'output'>, what: string): void {
  task.output = what
}

/** What a library logs, as the present line of a task. */
function taskLog(task: Pick<Task, 'output'>): Logger {
  return { ...silentLogger, info: (_fields, message) => say(task, message ?? ''), child: () => taskLog(task) }
}

/** How far the sites are from each other, and where that puts them: as the first of them knows it. */
async function describePlaces(cloud: LocalCloud): Promise<string> {
  const [first] = cloud.peers
  if (!first) return ''
  const distances = distanceTable(await askDistances(first.dataDirectory))
  return `${distances}\n${positionTable(await first.status())}\n* measured; all else is predicted from the positions`
}

function describeCloud({ peers, adminPassword: password }: LocalCloud): string {
  const directory = join(projectHome, '.atoll/demo')
  const cloudsYamlPath = join(directory, 'clouds.yaml')
  const clients = Object.fromEntries(peers.map(({ site, apiUrl }) => [site, { apiUrl, password }]))
  mkdirSync(directory, { recursive: true })
  writeFileSync(cloudsYamlPath, cloudsYaml(clients), { mode: 0o600 })
  const dataDirectories = Object.fromEntries(peers.map(({ site, dataDirectory }) => [site, dataDirectory]))
  return nextSteps({ clients, cloudsYamlPath, dataDirectories })
}

function showLogs(directory: string): void {
  for (const site of SITES) {
    const tail = lastLines(join(directory, `${site}.log`), LOG_LINES)
    if (tail !== '') process.stderr.write(`\n── the last words of ${site}\n${tail}\n`)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
