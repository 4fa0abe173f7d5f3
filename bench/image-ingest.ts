/**
 * How fast image bytes become durable chunks, beside what hashing alone costs on one core: the ceiling of any ingest is
 * the three hashes that Glance and the chunks need (MD5, SHA-512, SHA-256).
 *
 *     node bench/image-ingest.ts [MiB, 512 by default]
 */

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { CHUNK_BYTES, diskFiles, ImageStore } from '@atoll/images'
import { systemClock } from '@atoll/kit'

const sizeMib = Number(process.argv[2] ?? 512)
const noise = randomBytes(CHUNK_BYTES)

/** As many different chunks as the image has, in pieces of the size that a socket gives. */
async function* image(): AsyncGenerator<Uint8Array> {
  for (let chunk = 0; chunk < sizeMib; chunk++) {
    const bytes = Buffer.from(noise)
    bytes.writeUInt32BE(chunk)
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
  }
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(startCpu)
  const megabytes = (sizeMib * CHUNK_BYTES) / 1e6
  const perSecond = Math.round(megabytes / ((performance.now() - startMs) / 1000))
  const perCpuSecond = Math.round(megabytes / ((user + system) / 1e6))
  const rssMib = Math.round(process.memoryUsage().rss / 2 ** 20)
  console.log(`${what.padEnd(32)} ${perSecond} MB/s   ${perCpuSecond} MB per CPU second   RSS ${rssMib} MiB`)
}

async function hashAll(...algorithms: readonly string[]): Promise<void> {
  const hashes = algorithms.map((algorithm) => createHash(algorithm))
  for await (const piece of image()) for (const hash of hashes) hash.update(piece)
}

console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${sizeMib} MiB, ${new Date().toISOString().slice(0, 10)}`,
)
const path = await mkdtemp(`${tmpdir()}/atoll-bench-`)
try {
  const store = await ImageStore.open({ path, files: diskFiles, clock: systemClock })
  await measure('sha256', () => hashAll('sha256'))
  await measure('sha256 + md5 + sha512', () => hashAll('sha256', 'md5', 'sha512'))
  await measure('ingest, all new', () => store.ingest(image(), { diskFormat: 'raw' }))
  await measure('ingest, all known', () => store.ingest(image(), { diskFormat: 'raw' }))
} finally {
  await rm(path, { recursive: true })
}
