import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom, TooBusy } from '@atoll/kit'
import { createPasswords } from './passwords.ts'
import { memoryBytesOf, readPhc } from './phc.ts'
import { createTestPasswords } from './test-passwords.ts'

const random = seededRandom(1)
// A sixteenth of the work of production: what is tested does not depend on it.
const cheap = { random, cost: { log2Cost: 11 } }

for (const [name, passwords] of [
  ['scrypt', createPasswords(cheap)],
  ['the cheap ones of tests', createTestPasswords({ random })],
] as const) {
  test(`${name}: only the right password is accepted, and never the same hash twice`, async () => {
    const hash = await passwords.hash('pässwörd')
    assert.equal(await passwords.verify('pässwörd', hash), true)
    for (const wrong of ['passwörd', '', hash]) assert.equal(await passwords.verify(wrong, hash), false)
    assert.notEqual(await passwords.hash('pässwörd'), hash)
    assert.equal(await passwords.verify('', null), false)
    assert.equal(await passwords.verify('pässwörd', 'no hash at all'), false)
  })
}

test('a hash says how it was made, and one made otherwise is still verified', async () => {
  const hash = await createPasswords(cheap).hash('secret')
  assert.match(hash, /^\$scrypt\$ln=11,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await createPasswords({ random, cost: { log2Cost: 4 } }).verify('secret', hash), true)
})

test('by default one hash takes 32 MiB', () => {
  const cost = { log2Cost: 15, blockSize: 8, parallelization: 1 }
  assert.equal(Math.round(memoryBytesOf(cost) / 1024 / 1024), 32)
})

test('scrypt gives what RFC 7914 section 12 says', async () => {
  // The first 32 bytes of the vector: a longer key begins with the shorter one (PBKDF2, RFC 8018 §5.2).
  const vector = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2'
  const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  const kept = `$scrypt$ln=14,r=8,p=1$${encode(Buffer.from('SodiumChloride'))}$${encode(Buffer.from(vector, 'hex'))}`
  assert.equal(await createPasswords(cheap).verify('pleaseletmein', kept), true)
})

test('a hash from elsewhere cannot make us allocate without bound', () => {
  const tail = `$${'a'.repeat(22)}$${'a'.repeat(43)}`
  assert.ok(readPhc(`$scrypt$ln=15,r=8,p=1${tail}`))
  for (const cost of ['ln=30,r=8,p=1', 'ln=15,r=999,p=1', 'ln=15,r=8,p=9', 'ln=0,r=8,p=1'])
    assert.equal(readPhc(`$scrypt$${cost}${tail}`), undefined, cost)
})

test('when too many wait, the next is told to come again', async () => {
  const passwords = createPasswords({ ...cheap, concurrencyMax: 1, waitingMax: 1 })
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => passwords.verify('a', null)))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.ok(TooBusy.is(refused?.reason))
  assert.ok((refused?.reason.retryAfterMs ?? 0) > 0)
})
