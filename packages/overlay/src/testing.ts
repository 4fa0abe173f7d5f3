/** What the tests of this package share: a fixed clock, and clouds made once since keys cost time. */

import { createPublicKey, X509Certificate } from 'node:crypto'
import { type Clock, systemClock, systemRandom } from '@atoll/kit'
import { createPeer, foundCloud, issueAdmitter, issueSite } from './trust/authority.ts'
import { generatePrivateKey } from './trust/certificate.ts'
import type { SubjectName } from './trust/identity.ts'
import type { JoinClaim, JoinTokenRecord, JoinTokenStore, SpendOutcome } from './trust/join-token.ts'
import type { KeyPair, KeyRing } from './trust/key-ring.ts'
import type { SiteCodes } from './trust/site-codes.ts'
import { SiteSigner } from './trust/site-signer.ts'

export const cloud = 'reef'

/** The machine's timers with another wall clock. */
export function clockAt(nowMs: number): Clock {
  return { ...systemClock, nowMs: () => nowMs }
}

/** The founding site, `a`. */
export function testCloud(
  clock: Clock = systemClock,
  { certifiesCodes = true } = {},
): Promise<KeyRing & { cloudAuthority: KeyPair }> {
  return foundCloud({
    certifiesCodes,
    cloudName: cloud,
    siteName: 'a',
    siteCode: 1,
    peerName: 'peer-1',
    clock,
    random: systemRandom,
  }).then((keys) => ({ ...keys, cloudAuthority: keyPair(keys.cloudAuthority) }))
}

/** Another site of the cloud; `peerSite` is the site that its peer claims to be of, normally itself. */
export async function testSite(options: {
  readonly cloudAuthority: KeyPair
  readonly site: string
  readonly peerSite?: string
  readonly code?: number
  /** Another subject than the one of its name. */
  readonly subject?: SubjectName
  readonly clock?: Clock
}): Promise<KeyRing> {
  const { cloudAuthority, site, peerSite = site, code = testCode(site), clock = systemClock } = options
  const issue = { clock, random: systemRandom }
  const privateKey = generatePrivateKey()
  const publicKey = createPublicKey(privateKey)
  const identity = { cloud, site }
  const authority = {
    certificate: await issueSite({
      ...issue,
      issuer: cloudAuthority,
      identity,
      code,
      publicKey,
      ...(options.subject && { subject: options.subject }),
    }),
    privateKey,
  }
  return {
    cloudAuthority: { certificate: cloudAuthority.certificate },
    site: authority,
    peer: await createPeer({
      ...issue,
      site: authority,
      identity: { cloud, site: peerSite, peer: 'peer-1' },
    }),
    signingKey: SiteSigner.generate().privateKey,
  }
}

/** 2 … 255, the same for the same name. */
function testCode(site: string): number {
  return 2 + (Buffer.from(site).reduce((sum, byte) => sum + byte, 0) % 254)
}

/** What lets a site admit others. */
export async function admitterOfCloud(options: {
  readonly cloudAuthority: KeyPair
  readonly site: string
  readonly codes: SiteCodes
  readonly keys: Pick<KeyRing, 'site'>
  readonly clock?: Clock
}): Promise<KeyPair> {
  const { cloudAuthority, site, codes, keys, clock = systemClock } = options
  const { privateKey } = keys.site
  const certificate = await issueAdmitter({
    clock,
    random: systemRandom,
    cloudAuthority,
    identity: { cloud, site },
    codes,
    publicKey: createPublicKey(privateKey),
  })
  return { certificate, privateKey }
}

/** Site `forger` tries to be site `site`: it certifies a site of that name itself, and that one a peer. */
export async function forgedSite(options: {
  readonly cloudAuthority: KeyPair
  readonly forger: string
  readonly site: string
}): Promise<KeyRing> {
  const { cloudAuthority, forger, site } = options
  const captured = await testSite({ cloudAuthority, site: forger })
  const forged = await testSite({ cloudAuthority: captured.site, site })
  // All of it is shown, so that whoever follows the signatures only comes to the cloud authority.
  const certificate = forged.site.certificate + captured.site.certificate
  return { ...forged, cloudAuthority, site: { ...forged.site, certificate } }
}

/** A stranger tries to be a peer of a site: all names and key identifiers are right, only the signature is not. */
export async function forgedPeer(keys: KeyRing): Promise<KeyRing> {
  const site = { certificate: keys.site.certificate, privateKey: generatePrivateKey() }
  const identity = { cloud, site: parsed(site).subject.split('CN=')[1] ?? '', peer: 'peer-1' }
  return { ...keys, peer: await createPeer({ clock: systemClock, random: systemRandom, site, identity }) }
}

export function keyPair(pair: Partial<KeyPair>): KeyPair {
  const { certificate, privateKey } = pair
  if (certificate === undefined || privateKey === undefined) throw new Error('the pair is not whole')
  return { certificate, privateKey }
}

export function parsed(pair: { readonly certificate: string }): X509Certificate {
  return new X509Certificate(pair.certificate)
}

/** Waits until `condition` holds. @throws after 10 s */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 10_000
  while (!condition()) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`never seen: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Keeps join tokens in memory, as a table with a unique site name would. */
export class MemoryTokenStore implements JoinTokenStore {
  readonly records = new Map<string, JoinTokenRecord>()
  readonly claims = new Map<string, JoinClaim>()
  readonly #sites: Set<string>
  readonly #codes = new Map<string, number>()
  #nextCode: number

  /** @param firstCode of the codes that it gives, one after the other */
  constructor(sites: readonly string[] = [], firstCode = 2) {
    this.#sites = new Set(sites)
    this.#nextCode = firstCode
  }

  async add(record: JoinTokenRecord): Promise<void> {
    this.records.set(record.id, record)
  }

  async find(id: string): Promise<JoinTokenRecord | undefined> {
    return this.records.get(id)
  }

  async spend(claim: JoinClaim): Promise<SpendOutcome> {
    const earlier = this.claims.get(claim.tokenId)
    if (earlier) {
      const isSame = earlier.siteName === claim.siteName && earlier.publicKeyHash === claim.publicKeyHash
      return isSame ? this.#spent(claim) : { kind: 'token_used' }
    }
    if (this.#sites.has(claim.siteName)) return { kind: 'site_taken' }
    this.#sites.add(claim.siteName)
    this.claims.set(claim.tokenId, claim)
    this.#codes.set(claim.siteName, this.#nextCode++)
    return this.#spent(claim)
  }

  #spent({ siteName }: JoinClaim): SpendOutcome {
    return { kind: 'spent', code: this.#codes.get(siteName) ?? 0 }
  }
}

/** Time that stands still until nothing else is left to do, then jumps to the next timer. */
export class VirtualClock implements Clock {
  #nowMs = 0
  readonly #epochMs: number
  #timers: { readonly atMs: number; readonly action: () => void }[] = []

  constructor(epochMs = 0) {
    this.#epochMs = epochMs
  }

  nowMs(): number {
    return this.#epochMs + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Lets time pass until `promise` is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    while (!isSettled) {
      // All microtasks, and what streams put off to the next tick, come before the next timer.
      await new Promise((resolve) => setImmediate(resolve))
      if (isSettled) break
      this.#fireNext()
    }
    return promise
  }

  /** Lets `durationMs` pass at once. */
  advance(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs
    while (this.#timers.some(({ atMs }) => atMs <= untilMs)) this.#fireNext()
    this.#nowMs = untilMs
  }

  #fireNext(): void {
    const atMs = Math.min(...this.#timers.map((timer) => timer.atMs))
    const next = this.#timers.find((timer) => timer.atMs === atMs)
    if (!next) throw new Error('nothing is left to wait for')
    this.#nowMs = atMs
    this.#timers = this.#timers.filter((timer) => timer !== next)
    next.action()
  }
}
