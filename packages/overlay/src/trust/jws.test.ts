import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import test from 'node:test'
import { createJws, verifyJws } from './jws.ts'
import { publicKeyFromJwk, SiteSigner, thumbprintOf } from './site-signer.ts'

const signer = SiteSigner.generate()
const publicKey = publicKeyFromJwk(signer.publicKeyJwk)
const payload = Buffer.from('{"sub":"user"}')
const jws = createJws({ payload, signer, type: 'token' })

function verdict(text: string, options: { key?: KeyObject | undefined; type?: string } = {}) {
  const { key = publicKey, type = 'token' } = options
  const result = verifyJws({ jws: text, type, keyFor: (keyId) => (keyId === signer.keyId ? key : undefined) })
  return result.isValid ? 'valid' : result.reason
}

function withHeader(header: unknown): string {
  const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${jws.split('.')[1]}`
  return `${signed}.${signer.sign(Buffer.from(signed)).toString('base64url')}`
}

test('a signed payload comes back with its header', () => {
  const result = verifyJws({ jws, type: 'token', keyFor: () => publicKey })
  assert(result.isValid)
  assert.deepEqual(result.payload, payload)
  assert.deepEqual(result.header, { alg: 'EdDSA', kid: signer.keyId, typ: 'token' })
})

test('equal payloads have equal signatures', () => {
  assert.equal(createJws({ payload, signer: new SiteSigner(signer.privateKey), type: 'token' }), jws)
})

test('the example of RFC 8037 appendix A verifies', () => {
  const key = publicKeyFromJwk({
    kty: 'OKP',
    crv: 'Ed25519',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  })
  assert(key)
  const { kty, crv, x } = key.export({ format: 'jwk' })
  assert(kty === 'OKP' && crv === 'Ed25519' && x !== undefined)
  assert.equal(thumbprintOf({ kty, crv, x }), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('a changed payload, signature or header is refused', () => {
  const [header, body, signature] = jws.split('.')
  const otherBody = Buffer.from('{"sub":"admin"}').toString('base64url')
  assert.equal(verdict(`${header}.${otherBody}.${signature}`), 'bad_signature')
  assert.equal(verdict(`${header}.${body}.${Buffer.alloc(64).toString('base64url')}`), 'bad_signature')
  assert.equal(verdict(`${header}.${body}.AAAA`), 'bad_signature')
})

test('the header cannot choose the algorithm', () => {
  const { kid, typ } = { kid: signer.keyId, typ: 'token' }
  for (const alg of ['none', 'None', 'HS256', 'ES256', 'Ed25519', 'eddsa', '']) {
    assert.equal(verdict(withHeader({ alg, kid, typ })), 'wrong_algorithm', alg)
  }
  assert.equal(verdict(withHeader({ alg: 'EdDSA', kid, typ })), 'valid')
})

test('a key that is not Ed25519 verifies nothing', () => {
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  })
  assert.equal(verdict(jws, { key }), 'bad_signature')
})

test('a token of one type is not one of another', () => {
  assert.equal(verdict(jws, { type: 'console' }), 'wrong_type')
})

test('an unknown signer is told apart', () => {
  assert.equal(verdict(createJws({ payload, signer: SiteSigner.generate(), type: 'token' })), 'unknown_key')
})

test('a text that is not exactly what we write is malformed', () => {
  const { alg, kid, typ } = { alg: 'EdDSA', kid: signer.keyId, typ: 'token' }
  const [header, body, signature = ''] = jws.split('.')
  const padded = `${header}.${body}.${signature}=`
  // 64 bytes leave four unused bits in the last digit; other values of them spell the same signature.
  const twisted = `${header}.${body}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'x'}`
  for (const bad of [
    '',
    '.',
    '..',
    'a.b',
    `${jws}.x`,
    `${jws} `,
    padded,
    twisted,
    `${header}..${signature}`,
  ]) {
    assert.equal(verdict(bad), 'malformed', bad)
  }
  for (const bad of [
    null,
    [],
    'x',
    {},
    { alg, kid },
    { alg, kid, typ, crit: ['b64'], b64: false },
    { alg, kid: 1, typ },
  ]) {
    assert.equal(verdict(withHeader(bad)), 'malformed', JSON.stringify(bad))
  }
})

test('more than 8 KiB is neither written nor read', () => {
  assert.equal(verdict(`${jws}${'A'.repeat(8192)}`), 'too_large')
  assert.throws(() => createJws({ payload: Buffer.alloc(8192), signer, type: 'token' }))
})

test('only the JWK of an Ed25519 key is read', () => {
  const good = signer.publicKeyJwk
  for (const bad of [
    undefined,
    null,
    'x',
    {},
    { ...good, kty: 'EC' },
    { ...good, crv: 'X25519' },
    { ...good, x: 'AA' },
  ]) {
    assert.equal(publicKeyFromJwk(bad), undefined)
  }
})
