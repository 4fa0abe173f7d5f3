/** SSH keys: reading public ones, and making pairs in the form that OpenSSH writes (PROTOCOL.key, RFC 4253 6.6). */

import { createHash, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '@atoll/kit'
import { InvalidKeypair } from '../errors.ts'

export interface KeyPair {
  /** PEM, without a passphrase. */
  readonly privateKey: string
  /** One line of an `authorized_keys` file. */
  readonly publicKey: string
}

const algorithms = new Set([
  'ssh-rsa',
  'ssh-dss',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
])

/** MD5 of the key's blob as Nova shows it: `1e:2c:9b:…`. @throws InvalidKeypair when `publicKey` is no SSH key */
export function fingerprintOf(publicKey: string): string {
  const [algorithm = '', encoded = ''] = publicKey.trim().split(/\s+/)
  const blob = Buffer.from(encoded, 'base64')
  const isKey = algorithms.has(algorithm) && blob.length > algorithm.length + 8 && nameIn(blob) === algorithm
  if (!isKey || publicKey.trim().includes('\n'))
    throw InvalidKeypair({ reason: 'failed to generate fingerprint' })
  return colons(createHash('md5').update(blob).digest('hex'))
}

/** Makes an Ed25519 pair off the event loop; `comment` ends up in both halves. */
export async function makeKeyPair(random: Random, comment: string): Promise<KeyPair> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519')
  const { x = '', d = '' } = privateKey.export({ format: 'jwk' })
  const publicBytes = Buffer.from(x, 'base64url')
  const secret = Buffer.concat([Buffer.from(d, 'base64url'), publicBytes])
  const blob = Buffer.concat([field('ssh-ed25519'), field(publicBytes)])
  // Two equal random words let a reader tell a wrong passphrase; without one they are there all the same.
  const check = Buffer.from(random.bytes(4))
  const inner = Buffer.concat([check, check, blob, field(secret), field(comment)])
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1))
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(blob),
    field(Buffer.concat([inner, padding])),
  ])
  const lines = file.toString('base64').match(/.{1,70}/g) ?? []
  return {
    privateKey: [
      '-----BEGIN OPENSSH PRIVATE KEY-----',
      ...lines,
      '-----END OPENSSH PRIVATE KEY-----',
      '',
    ].join('\n'),
    publicKey: `ssh-ed25519 ${blob.toString('base64')} ${comment}`,
  }
}

/** `1e2c…` → `1e:2c:…` */
export function colons(hex: string): string {
  return hex.match(/../g)?.join(':') ?? ''
}

function nameIn(blob: Buffer): string {
  const length = blob.readUInt32BE(0)
  return blob.subarray(4, 4 + length).toString('latin1')
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
