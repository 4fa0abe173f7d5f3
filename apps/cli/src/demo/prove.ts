/**
 * The proof of the demo: an image uploaded at one site becomes a machine at another, asked for at a third. Each step
 * says where it was asked, where it was done, how long it took and what came of it.
 */

import { assert } from '@atoll/kit'
import {
  type Connection,
  createFlavor,
  createNetwork,
  createServer,
  createSubnet,
  importKeypair,
  listServers,
  refusedStatus,
  type Server,
  uploadImage,
  waitForConsole,
  waitForStatus,
  waitUntil,
} from '@atoll/sdk'
import type { LocalCloud } from '../local-cloud/local-cloud.ts'
import { newSshPublicKey } from './ssh-key.ts'

export interface ProofStep {
  readonly what: string
  /** The site whose API was asked. */
  readonly askedAt: string
  /** The site that did it. */
  readonly doneAt: string
  readonly durationMs: number
  readonly result: string
}

export interface ProofOptions {
  readonly cloud: LocalCloud
  readonly image: { readonly content: Uint8Array; readonly diskFormat: 'qcow2' | 'raw' }
  /** What the guest says when it has booted. */
  readonly readyPattern: RegExp
  readonly signal: AbortSignal
  readonly onStep: (step: ProofStep) => void
}

/** Where the image is uploaded, where the machine runs, and where it is asked for. */
const [UPLOAD_SITE, RUN_SITE, ASK_SITE] = ['site1', 'site2', 'site3'] as const
const NETWORK_CIDR = '10.64.0.0/24'
const REPLICA_TIMEOUT_MS = 15_000
/** A guest without hardware virtualization on a busy machine. */
const BOOT_TIMEOUT_MS = 240_000

/** @throws NotInTime, ServerFailed, RequestRefused, ServiceUnreachable */
export async function prove(options: ProofOptions): Promise<readonly ProofStep[]> {
  const { cloud, image, readyPattern, signal } = options
  const { steps, step } = recorder(options.onStep)
  const upload = await cloud.connect(UPLOAD_SITE)
  const ask = await cloud.connect(ASK_SITE)
  const atUpload = { askedAt: UPLOAD_SITE, doneAt: UPLOAD_SITE }

  const { id: imageId } = await step('image uploaded', atUpload, async () => {
    const made = await uploadImage(upload, { name: 'guest', visibility: 'public', ...image })
    return { value: made, result: `${((made.size ?? 0) / 1e6).toFixed(1)} MB, md5 ${made.checksum}` }
  })
  const { id: flavorId } = await step('flavor made', atUpload, async () => {
    const size = { name: 'demo.tiny', vcpus: 1, ramMib: 192, diskGib: 1 }
    return { value: await createFlavor(upload, size), result: `${size.vcpus} vCPU, ${size.ramMib} MiB` }
  })
  const key = await step('key imported', atUpload, async () => {
    const value = await importKeypair(upload, { name: 'demo', publicKey: newSshPublicKey('atoll-demo') })
    return { value, result: value.fingerprint }
  })
  const network = await step('network and subnet made', atUpload, async () => {
    const value = await createNetwork(upload, { name: 'demo' })
    await createSubnet(upload, { networkId: value.id, name: 'demo', cidr: NETWORK_CIDR })
    return { value, result: NETWORK_CIDR }
  })
  await step('all of it known', { askedAt: ASK_SITE, doneAt: ASK_SITE }, async () => {
    await isKnown(ask, 'image', `/v2/images/${imageId}`, signal)
    await isKnown(ask, 'compute', `/v2.1/flavors/${flavorId}`, signal)
    await isKnown(ask, 'compute', `/v2.1/os-keypairs/${key.name}`, signal)
    await isKnown(ask, 'network', `/v2.0/networks/${network.id}`, signal)
    return { value: undefined, result: 'as replicas' }
  })

  const onward = { askedAt: ASK_SITE, doneAt: RUN_SITE }
  const { id } = await step('server asked for', onward, async () => {
    const value = await createServer(ask, {
      name: 'demo',
      imageId,
      flavorId,
      networks: [{ uuid: network.id }],
      keyName: key.name,
      availabilityZone: RUN_SITE,
    })
    return { value, result: value.id }
  })
  const server = await step('server ACTIVE', onward, async () => {
    const value = await waitForStatus(ask, id, 'ACTIVE', { timeoutMs: BOOT_TIMEOUT_MS, signal })
    return { value, result: `on ${value['OS-EXT-SRV-ATTR:hypervisor_hostname']}` }
  })
  assert(server['OS-EXT-AZ:availability_zone'] === RUN_SITE, `the server runs at ${RUN_SITE}`)
  await step('guest has booted', onward, async () => {
    const text = await waitForConsole(ask, id, readyPattern, { timeoutMs: BOOT_TIMEOUT_MS, signal })
    return { value: undefined, result: guestWords(text, readyPattern) }
  })
  for (const { site } of cloud.peers) {
    const connection = await cloud.connect(site)
    await step('server listed', { askedAt: site, doneAt: site }, async () => {
      const value = await shown(connection, { id, site, signal })
      return { value, result: `${value.status}, ${addressesOf(value).join(' ')}` }
    })
  }
  return steps
}

type Work<T> = () => Promise<{ readonly value: T; readonly result: string }>

function recorder(onStep: (step: ProofStep) => void) {
  const steps: ProofStep[] = []
  const step = async <T>(what: string, where: { askedAt: string; doneAt: string }, work: Work<T>) => {
    const startedMs = performance.now()
    const { value, result } = await work()
    const done = { what, ...where, durationMs: performance.now() - startedMs, result }
    steps.push(done)
    onStep(done)
    return value
  }
  return { steps, step }
}

function isKnown(
  connection: Connection,
  service: 'image' | 'compute' | 'network',
  path: string,
  signal: AbortSignal,
): Promise<true> {
  const wait = { what: `${path} is known at ${ASK_SITE}`, timeoutMs: REPLICA_TIMEOUT_MS, intervalMs: 20 }
  return waitUntil({ ...wait, signal }, async () => {
    try {
      await connection.get(service, path)
      return true
    } catch (error) {
      if (refusedStatus(error) === 404) return undefined
      throw error
    }
  })
}

function shown(
  connection: Connection,
  { id, site, signal }: { id: string; site: string; signal: AbortSignal },
): Promise<Server> {
  const wait = { what: `${site} lists the server as ACTIVE`, timeoutMs: REPLICA_TIMEOUT_MS, intervalMs: 20 }
  return waitUntil({ ...wait, signal }, async () =>
    (await listServers(connection)).find((server) => server.id === id && server.status === 'ACTIVE'),
  )
}

function addressesOf({ addresses = {} }: Server): readonly string[] {
  return Object.values(addresses).flatMap((each) => each.map(({ addr }) => addr))
}

/** What our guest image writes about itself; of any other guest, the line that shows it has booted. */
function guestWords(consoleText: string, readyPattern: RegExp): string {
  const lines = consoleText.split(/\r?\n/)
  const own = lines.flatMap((line) => line.match(/atoll-guest: (.*)/)?.[1] ?? [])
  const words = own.map((line) => (line.startsWith('key ') ? line.split(' ').slice(0, 2).join(' ') : line))
  return words.length > 0 ? words.join('; ') : (lines.find((line) => readyPattern.test(line)) ?? '').trim()
}
