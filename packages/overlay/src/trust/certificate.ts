/**
 * Makes X.509 certificates and signing requests (RFC 5280, RFC 2986). Keys are P-256: the one curve that every TLS
 * stack and hardware key store takes. This is the only file that knows `@peculiar/x509`; it is loaded when the
 * first certificate is made, since it costs about 100 ms and 20 MB that a peer with valid certificates never needs.
 */

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import type { Random } from '@atoll/kit'
import type { Extension } from '@peculiar/x509'
import { DER, der } from './der.ts'
import { JoinRequestMalformed } from './errors.ts'
import type { SubjectName } from './identity.ts'
import type { Certified, KeyPair } from './key-ring.ts'
import { encodeSiteCodes, SITE_CODES_OID, type SiteCodes } from './site-codes.ts'
import type { Validity } from './validity.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const serverAuthentication = '1.3.6.1.5.5.7.3.1'
const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const NAME_CONSTRAINTS_OID = '2.5.29.30'

/** Bytes of PEM that a signing request may have; one for P-256 has about 500. */
const signingRequestBytesMax = 4096

export interface CertificateOptions {
  readonly subject: SubjectName
  /** The SPIFFE ID of the same identity. */
  readonly uri: string
  /**
   * How many authorities may follow below: the cloud authority certifies sites that admit others (2), those certify sites (1), a
   * site only its peers (0), a peer nobody (undefined).
   */
  readonly pathLength?: 0 | 1 | 2
  /** The site codes that it stands for. */
  readonly siteCodes?: SiteCodes | undefined
  /** Below it every subject must begin with this one. */
  readonly namesBelow?: SubjectName
  readonly validity: Validity
  readonly random: Random
}

/** Makes a private key. PEM, PKCS #8. */
export function generatePrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: algorithm.namedCurve })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Makes a key and a certificate for it that is signed by itself. */
export async function createAuthority(options: CertificateOptions): Promise<KeyPair> {
  const privateKey = generatePrivateKey()
  const { X509CertificateGenerator } = await library()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: nameOf(options.subject),
    keys: { privateKey: signingKeyOf(privateKey), publicKey: verifyingKeyOf(privateKey) },
    extensions: await extensionsOf(options, createPublicKey(privateKey)),
    ...commonParameters(options),
  })
  return { certificate: pem(certificate), privateKey }
}

/** Signs a certificate for `publicKey`. PEM. */
export async function issueCertificate(
  options: CertificateOptions & { readonly publicKey: KeyObject; readonly issuer: KeyPair },
): Promise<string> {
  const { X509Certificate: Parsed, X509CertificateGenerator, PublicKey } = await library()
  const issuer = new Parsed(options.issuer.certificate)
  const certificate = await X509CertificateGenerator.create({
    subject: nameOf(options.subject),
    issuer: issuer.subjectName,
    publicKey: new PublicKey(exportPublicKey(options.publicKey)),
    signingKey: signingKeyOf(options.issuer.privateKey),
    extensions: await extensionsOf(options, options.publicKey, options.issuer),
    ...commonParameters(options),
  })
  return pem(certificate)
}

/** A PKCS #10 request: proof that its maker holds `privateKey`, which stays where it is. PEM. */
export async function createSigningRequest(options: {
  subject: SubjectName
  privateKey: string
}): Promise<string> {
  const { Pkcs10CertificateRequestGenerator } = await library()
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: nameOf(options.subject),
    keys: { privateKey: signingKeyOf(options.privateKey), publicKey: verifyingKeyOf(options.privateKey) },
    signingAlgorithm: algorithm,
  })
  return pem(request)
}

/**
 * The public key whose holder made the request. Names and extensions in it are ignored: the authority decides those.
 *
 * @throws JoinRequestMalformed when it does not parse, is not for P-256, or is not signed with its own key
 */
export async function readSigningRequest(text: string): Promise<KeyObject> {
  if (text.length > signingRequestBytesMax)
    throw JoinRequestMalformed({ reason: 'the signing request is too long' })
  const { Pkcs10CertificateRequest } = await library()
  const refusal = { reason: 'the certificate signing request is not valid' }
  let isGenuine: boolean
  let publicKey: KeyObject
  try {
    const request = new Pkcs10CertificateRequest(text)
    publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    isGenuine = await request.verify()
  } catch (cause) {
    throw JoinRequestMalformed(refusal, { cause })
  }
  const isP256 = publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  if (!isGenuine || !isP256) throw JoinRequestMalformed(refusal)
  return publicKey
}

/** The public key of a certificate as DER (SubjectPublicKeyInfo), to compare and to hash. */
export function exportPublicKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' })
}

/** SHA-256 of the DER form: what a join token pins. */
export function fingerprintOf({ certificate }: Certified): Buffer {
  return Buffer.from(new X509Certificate(certificate).fingerprint256.replaceAll(':', ''), 'hex')
}

// The library refuses to load before the Reflect polyfill is there.
async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function extensionsOf(
  options: CertificateOptions,
  key: KeyObject,
  issuer?: Certified,
): Promise<Extension[]> {
  const x509 = await library()
  const { pathLength, uri, siteCodes, namesBelow } = options
  const isAuthority = pathLength !== undefined
  const usages = isAuthority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
    new x509.KeyUsagesExtension(usages, true),
    new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
    await x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(exportPublicKey(key))),
  ]
  if (!isAuthority) {
    extensions.push(new x509.ExtendedKeyUsageExtension([serverAuthentication, clientAuthentication]))
  }
  // Not critical, as RFC 3779 would have it: who does not know codes shall go on to believe the rest.
  if (siteCodes) extensions.push(new x509.Extension(SITE_CODES_OID, false, encodeSiteCodes(siteCodes)))
  if (namesBelow) {
    const name = new Uint8Array(new x509.Name(nameOf(namesBelow)).toArrayBuffer())
    extensions.push(new x509.Extension(NAME_CONSTRAINTS_OID, true, permitDirectoryName(name)))
  }
  if (issuer) {
    const { publicKey } = new x509.X509Certificate(issuer.certificate)
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(publicKey))
  }
  return extensions
}

function commonParameters({ validity, random }: CertificateOptions) {
  return {
    // RFC 5280 §4.1.2.2: positive, at most 20 bytes; the first byte keeps it positive and not zero.
    serialNumber: `40${Buffer.from(random.bytes(15)).toString('hex')}`,
    notBefore: new Date(validity.notBeforeMs),
    notAfter: new Date(validity.notAfterMs),
    signingAlgorithm: algorithm,
  }
}

/** RFC 5280 section 4.2.1.10: one permitted subtree, whose base is a directory name. */
function permitDirectoryName(name: Uint8Array): Buffer {
  return der(DER.sequence, der(DER.context(0), der(DER.sequence, der(DER.context(4), name))))
}

function nameOf(subject: SubjectName) {
  return subject.map(([attribute, value]) => ({ [attribute]: [value] }))
}

function signingKeyOf(privateKey: string) {
  return createPrivateKey(privateKey).toCryptoKey(algorithm, false, ['sign'])
}

function verifyingKeyOf(privateKey: string) {
  return createPublicKey(privateKey).toCryptoKey(algorithm, true, ['verify'])
}

function pem(item: { toString(format: 'pem'): string }): string {
  return `${item.toString('pem')}\n`
}
