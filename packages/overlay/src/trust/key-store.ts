/**
 * The keys of a peer as files, readable by nobody else:
 *
 *     ca.crt  ca.key (founding site only)    site.crt  site.key    signing.key    peer.crt  peer.key
 *     admitter.crt (of the site that has admitted this one)    admits.crt (this site may admit others; for site.key, too)
 *
 * Each file is replaced as a whole, and `peer.crt` is written last: a directory without it was never finished.
 */

import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KeysCorrupt, KeysExist, KeysExposed, KeysMissing } from './errors.ts'
import type { PeerIdentity } from './identity.ts'
import type { Certified, CredentialSource, KeyRing } from './key-ring.ts'
import { chainOfKeys, verifyAdmitter, verifyChain } from './peer-identity.ts'

/** What the cloud has certified of a site, as PEM. */
export interface SiteCertificates {
  readonly site?: { readonly certificate: string; readonly admitter?: string | undefined }
  readonly admits?: string | undefined
}

/** A key or certificate of ours has less than 2 kB. */
const fileBytesMax = 16_384

export class KeyStore implements CredentialSource {
  readonly directory: string
  readonly identity: PeerIdentity
  #keys: KeyRing

  private constructor(directory: string, keys: KeyRing) {
    this.directory = directory
    this.identity = identityOf(keys, directory)
    this.#keys = keys
  }

  /** The keys of the moment: ask again for each connection, since a renewal replaces them. */
  get keys(): KeyRing {
    return this.#keys
  }

  /**
   * Reads and checks a directory. Terms are not checked: an expired peer certificate can still be renewed.
   *
   * @throws KeysMissing | KeysCorrupt | KeysExposed
   */
  static async open(directory: string): Promise<KeyStore> {
    const certificate = (name: string) => readCertificate(join(directory, name))
    const privateKey = (name: string) => readPrivateKey(join(directory, name))
    const peerCertificate = await certificate('peer.crt')
    const cloudKey = await orMissing(privateKey('ca.key'))
    const site = { certificate: await certificate('site.crt'), privateKey: await privateKey('site.key') }
    const admitter = await orMissing(certificate('admitter.crt'))
    const admits = await orMissing(certificate('admits.crt'))
    const cloudAuthority = { certificate: await certificate('ca.crt') }
    const keys: KeyRing = {
      cloudAuthority: cloudKey === undefined ? cloudAuthority : { ...cloudAuthority, privateKey: cloudKey },
      site,
      // One that is left over from before the cloud itself has renewed the site stands above nothing.
      ...(admitter !== undefined && isAbove(admitter, site) ? { admitter: { certificate: admitter } } : {}),
      ...(admits === undefined ? {} : { admits: { certificate: admits } }),
      peer: { certificate: peerCertificate, privateKey: await privateKey('peer.key') },
      signingKey: await privateKey('signing.key'),
    }
    requireMatch(directory, keys)
    return new KeyStore(directory, keys)
  }

  /**
   * Writes a new directory.
   *
   * @throws KeysExist when one is there already
   */
  static async create(directory: string, keys: KeyRing): Promise<KeyStore> {
    const store = new KeyStore(directory, keys)
    if (await exists(join(directory, 'peer.crt'))) throw KeysExist({ directory })
    await mkdir(directory, { recursive: true, mode: 0o700 })
    // An existing directory keeps its mode, and a new one is subject to the umask.
    await chmod(directory, 0o700)
    const { cloudAuthority, site, admitter, admits, peer, signingKey } = keys
    if (cloudAuthority.privateKey !== undefined) await store.#write('ca.key', cloudAuthority.privateKey)
    await store.#write('ca.crt', cloudAuthority.certificate)
    await store.#write('site.key', site.privateKey)
    await store.#write('site.crt', site.certificate)
    if (admitter) await store.#write('admitter.crt', admitter.certificate)
    if (admits) await store.#write('admits.crt', admits.certificate)
    await store.#write('signing.key', signingKey)
    await store.#write('peer.key', peer.privateKey)
    await store.#write('peer.crt', peer.certificate)
    return store
  }

  /** Replaces the certificate of the peer by a renewed one for the same key, on disk and then in `keys`. */
  async replacePeerCertificate(certificate: string): Promise<void> {
    const keys = { ...this.#keys, peer: { ...this.#keys.peer, certificate } }
    requireMatch(this.directory, keys)
    identityOf(keys, this.directory)
    await this.#write('peer.crt', certificate)
    this.#keys = keys
  }

  /**
   * Replaces what the cloud has certified of this site by what was renewed, for the same key, on disk and then in `keys`.
   * Each may be left out, and stays. @throws KeysCorrupt when they do not belong to our keys, and nothing is changed
   */
  async replaceSiteCertificates(renewed: SiteCertificates): Promise<void> {
    const { site, admits } = renewed
    const { admitter: formerAdmitter, ...former } = this.#keys
    const admitter = site ? site.admitter : formerAdmitter?.certificate
    const keys: KeyRing = {
      ...former,
      ...(site ? { site: { ...former.site, certificate: site.certificate } } : {}),
      ...(admitter === undefined ? {} : { admitter: { certificate: admitter } }),
      ...(admits === undefined ? {} : { admits: { certificate: admits } }),
    }
    requireMatch(this.directory, keys)
    identityOf(keys, this.directory)
    // Both chains are whole whichever of the two files a crash leaves: one above that is not needed is not looked at.
    if (site?.admitter !== undefined) await this.#write('admitter.crt', site.admitter)
    if (site) await this.#write('site.crt', site.certificate)
    if (site && admitter === undefined) await rm(join(this.directory, 'admitter.crt'), { force: true })
    if (admits !== undefined) await this.#write('admits.crt', admits)
    this.#keys = keys
  }

  /** Durable and atomic: a new file, flushed, takes the place of the old one. */
  async #write(name: string, text: string): Promise<void> {
    const temporary = join(this.directory, `.${name}.${randomUUID()}`)
    try {
      await writeDurably(temporary, text)
      await rename(temporary, join(this.directory, name))
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    await using directory = await open(this.directory)
    await directory.sync()
  }
}

function isAbove(admitter: string, site: Certified): boolean {
  return new X509Certificate(site.certificate).checkIssued(new X509Certificate(admitter))
}

function orMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (KeysMissing.is(error)) return undefined
    throw error
  })
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function readCertificate(path: string): Promise<string> {
  const text = await readBounded(path)
  return parsed(path, 'it is no certificate', () => new X509Certificate(text).toString())
}

async function readPrivateKey(path: string): Promise<string> {
  const text = await readBounded(path)
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) throw KeysExposed({ path, mode: (mode & 0o777).toString(8) })
  parsed(path, 'it is no private key', () => createPrivateKey(text))
  return text
}

async function readBounded(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > fileBytesMax) throw KeysCorrupt({ path, reason: 'it is too large' })
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw KeysMissing({ path }, { cause })
    throw cause
  }
}

function parsed<T>(path: string, reason: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw KeysCorrupt({ path, reason }, { cause })
  }
}

function requireMatch(directory: string, { cloudAuthority, site, admits, peer, signingKey }: KeyRing): void {
  const ofSite = admits && { ...admits, privateKey: site.privateKey }
  const pairs = { ca: cloudAuthority, site, peer, ...(ofSite ? { admits: ofSite } : {}) }
  for (const [name, { certificate, privateKey }] of Object.entries(pairs)) {
    if (privateKey === undefined) continue
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) {
      const path = join(directory, `${name}.key`)
      throw KeysCorrupt({ path, reason: `it does not belong to ${name}.crt` })
    }
  }
  if (createPrivateKey(signingKey).asymmetricKeyType !== 'ed25519') {
    throw KeysCorrupt({ path: join(directory, 'signing.key'), reason: 'it is no Ed25519 key' })
  }
}

function identityOf(keys: KeyRing, directory: string): PeerIdentity {
  const cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
  const trust = { cloudAuthority, nowMs: undefined }
  return parsed(directory, 'its certificates do not form a chain', () => {
    const { identity } = verifyChain(chainOfKeys(keys), trust)
    if (
      keys.admits &&
      verifyAdmitter(new X509Certificate(keys.admits.certificate), trust).site !== identity.site
    )
      throw new Error('admits.crt is of another site')
    return identity
  })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
