/** A key pair that nobody keeps the private half of: the demo only shows that the public one arrives in the guest. */

import { generateKeyPairSync } from 'node:crypto'

/** A new Ed25519 key in OpenSSH's format (RFC 4253 section 6.6, RFC 8709 section 4). */
export function newSshPublicKey(comment: string): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const type = 'ssh-ed25519'
  const blob = Buffer.concat([sshString(Buffer.from(type)), sshString(Buffer.from(x, 'base64url'))])
  return `${type} ${blob.toString('base64')} ${comment}`
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
