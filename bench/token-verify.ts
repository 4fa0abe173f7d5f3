/**
 * What it costs to verify a token: the first time, with its signature, and every further time. Beside it, the bare
 * Ed25519 verification that the first one cannot be cheaper than.
 *
 *     node bench/token-verify.ts [tokens, 2000 by default]
 */

import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { cpus } from 'node:os'
import { createTokens, identityRecords } from '@atoll/identity'
import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { openTestState } from '@atoll/state'

const count = Number(process.argv[2] ?? 2000)
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
let cleanUp = async () => {}
const state = await openTestState({
  records: identityRecords,
  after: (clean) => {
    cleanUp = clean
  },
})
const tokens = await createTokens({
  state,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  cachedMax: count,
  keys: {
    kid: 'site',
    sign: (bytes) => sign(null, bytes, privateKey),
    publicKeyOf: (kid) => (kid === 'site' ? publicKey : undefined),
  },
})

function measure(what: string, times: number, work: (index: number) => unknown): void {
  const startMs = performance.now()
  for (let index = 0; index < times; index++) work(index)
  console.log(`${what.padEnd(32)} ${(((performance.now() - startMs) * 1000) / times).toFixed(2)} µs`)
}

/** A header's text is a new string each time, whose hash was not computed yet. */
const fresh = (text: string) => Buffer.from(text).toString('latin1')

console.log(`${cpus()[0]?.model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`)
const id = () => Buffer.from(systemRandom.bytes(16)).toString('hex')
const issue = () =>
  tokens.issue({
    userId: id(),
    userDomainId: 'default',
    projectId: id(),
    projectDomainId: 'default',
    domainId: null,
    roleNames: ['member'],
    methods: ['password'],
  }).text
const texts = Array.from({ length: count }, issue)
console.log(`one token has ${texts[0]?.length} bytes`)
const message = Buffer.from(texts[0] ?? '')
const signature = sign(null, message, privateKey)
measure('issue', count, issue)
measure('Ed25519 alone', count, () => verify(null, message, publicKey, signature))
measure('verify, first time', count, (index) => tokens.verify(texts[index] ?? ''))
const again = Array.from({ length: 50 }, () => texts.map(fresh)).flat()
measure('verify, again', again.length, (index) => tokens.verify(again[index] ?? ''))
tokens.close()
await cleanUp()
