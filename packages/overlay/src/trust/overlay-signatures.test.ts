import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock } from '@atoll/kit'
import { CREDENTIAL_MAX } from '../membership/descriptor.ts'
import { DescriptorBook } from '../membership/descriptor-book.ts'
import { ADDRESSES_MAX } from '../protocol/contact.ts'
import { MESSAGE_BYTES_MAX } from '../protocol/message.ts'
import { admitterOfCloud, forgedSite, testCloud, testSite } from '../testing.ts'
import type { KeyRing } from './key-ring.ts'
import { OverlaySignatures } from './overlay-signatures.ts'

const founder = await testCloud()
const { cloudAuthority } = founder
const eastKeys = await testSite({ cloudAuthority, site: 'east' })

function signaturesOf(site: string, keys: KeyRing, isRevoked = (_site: string) => false) {
  return new OverlaySignatures({ site, keys: () => keys, clock: systemClock, isRevoked })
}

test('a site that was never heard of is believed by what travels with its descriptor', () => {
  const [a, east] = [signaturesOf('a', founder), signaturesOf('east', eastKeys)]
  const signature = east.sign('a text')
  assert.equal(a.verify('east', 'a text', signature), false)
  assert.equal(a.admit('east', east.credential), true)
  assert.equal(a.verify('east', 'a text', signature), true)
  assert.equal(a.verify('east', 'another text', signature), false)
  assert.ok(east.credential.length < 4096, `${east.credential.length}`)
})

test('eight descriptors of the largest kind fit into one datagram', () => {
  const book = new DescriptorBook(signaturesOf('east', eastKeys))
  const hosts = Array.from(
    { length: ADDRESSES_MAX },
    (_, index) => `${index}.${'long-name.'.repeat(20)}example`,
  )
  const own = {
    addresses: hosts.map((host) => ({ host, port: 8775 })),
    incarnation: 1,
    state: 'alive' as const,
  }
  const { signed } = book.issue(own)
  // An admitter's certificate may stand beside the site's.
  const largest = { ...signed, credential: signed.credential.padEnd(CREDENTIAL_MAX, '\\n') }
  const rumours = Array.from({ length: 8 }, (_, index) => ({
    topic: 'descriptor',
    subject: 'x'.repeat(63),
    number: Number.MAX_SAFE_INTEGER - index,
    body: largest,
  }))
  const bytes = Buffer.byteLength(JSON.stringify({ type: 'rumours.news', version: 1, rumours }))
  assert.ok(bytes > MESSAGE_BYTES_MAX / 2 && bytes <= MESSAGE_BYTES_MAX, `${bytes}`)
})

test('a credential is of one site and one key', async () => {
  const a = signaturesOf('a', founder)
  const east = signaturesOf('east', eastKeys)
  const west = signaturesOf('west', await testSite({ cloudAuthority, site: 'west' }))
  assert.equal(a.admit('west', east.credential), false)
  const mixed = { ...JSON.parse(east.credential), signingKey: JSON.parse(west.credential).signingKey }
  assert.equal(a.admit('east', JSON.stringify(mixed)), false)
  for (const credential of ['', '{}', 'null', '{"certificate":"x","signingKey":"y","binding":"z"}'])
    assert.equal(a.admit('east', credential), false)
})

test('a site that another one has admitted brings along who that is, and a forged name is nobody', async () => {
  const codes = { first: 300, last: 309 }
  const admitter = await admitterOfCloud({ cloudAuthority, site: 'east', codes, keys: eastKeys })
  const admitted = async (site: string, code: number) => ({
    ...(await testSite({ cloudAuthority: admitter, site, code })),
    cloudAuthority,
    admitter,
  })
  const a = signaturesOf('a', founder)
  const bay = signaturesOf('east--bay', await admitted('east--bay', 300))
  assert.ok(bay.credential.length < 4096, `${bay.credential.length}`)
  assert.equal(a.admit('east--bay', bay.credential), true)
  assert.equal(a.verify('east--bay', 'a text', bay.sign('a text')), true)
  const forgeries = [
    ['west', 300],
    ['west--bay', 300],
    ['east--bay', 999],
  ] as const
  for (const [site, code] of forgeries)
    assert.equal(a.admit(site, signaturesOf(site, await admitted(site, code)).credential), false, site)
})

test('a captured site cannot certify another one, and one of another cloud is nobody', async () => {
  const a = signaturesOf('a', founder)
  const forged = signaturesOf('west', await forgedSite({ cloudAuthority, forger: 'east', site: 'west' }))
  assert.equal(a.admit('west', forged.credential), false)
  const other = await testCloud()
  const stranger = await testSite({ cloudAuthority: other.cloudAuthority, site: 'south' })
  assert.equal(a.admit('south', signaturesOf('south', stranger).credential), false)
})

test('a site that was shut out is not believed any more', () => {
  const revoked = new Set<string>()
  const a = signaturesOf('a', founder, (site) => revoked.has(site))
  const east = signaturesOf('east', eastKeys)
  assert.equal(a.admit('east', east.credential), true)
  const signature = east.sign('a text')
  revoked.add('east')
  assert.equal(a.verify('east', 'a text', signature), false)
  assert.equal(a.admit('east', east.credential), false)
})
