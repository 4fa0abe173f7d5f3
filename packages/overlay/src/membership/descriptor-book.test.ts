import assert from 'node:assert/strict'
import test from 'node:test'
import { TestCloud } from '../protocol/test-signatures.ts'
import { DescriptorBook } from './descriptor-book.ts'

function east() {
  const cloud = new TestCloud()
  const book = new DescriptorBook(cloud.admit('west'))
  const issuer = new DescriptorBook(cloud.admit('east'))
  const addresses = [{ host: '192.0.2.1', port: 8775 }]
  const descriptor = issuer.issue({ addresses, incarnation: 7, state: 'alive' })
  return { cloud, book, descriptor }
}

test('a genuine descriptor says who a site is and where', () => {
  const { book, descriptor } = east()
  const read = book.read(structuredClone(descriptor.signed))
  assert.deepEqual(read?.contact, { site: 'east', addresses: [{ host: '192.0.2.1', port: 8775 }] })
  assert.equal(read?.incarnation, 7)
  assert.equal(read?.state, 'alive')
})

test('nobody can change a descriptor on its way, not even under a signature that was verified', () => {
  const { book, descriptor } = east()
  const { signed } = descriptor
  const forged = { ...signed, text: signed.text.replace('192.0.2.1', '192.0.2.9') }
  assert.equal(book.read(forged), undefined)
  book.read(signed)
  assert.equal(book.read(forged)?.contact.addresses[0]?.host, '192.0.2.1')
  assert.equal(book.refused, 1)
})

test('a site cannot speak for another one', () => {
  const { cloud, book } = east()
  const north = cloud.admit('north')
  const text = JSON.stringify({
    type: 'descriptor',
    site: 'east',
    addresses: [],
    incarnation: 9,
    state: 'left',
  })
  for (const credential of ['north', 'east'])
    assert.equal(book.read({ text, signature: north.sign(text), credential }), undefined)
})

test('a site that the cloud does not know, or has shut out, is not believed', () => {
  const { cloud, book, descriptor } = east()
  const stranger = new DescriptorBook(new TestCloud().admit('south'))
  assert.equal(book.read(stranger.issue({ addresses: [], incarnation: 1, state: 'alive' }).signed), undefined)
  cloud.revoked.add('east')
  assert.equal(book.read(descriptor.signed), undefined)
})

test('fields of a later release are kept, as the text travels as it was signed', () => {
  const { cloud, book } = east()
  const north = cloud.admit('north')
  const text = JSON.stringify({
    type: 'descriptor',
    site: 'north',
    addresses: [],
    incarnation: 1,
    state: 'alive',
    power: 'sun',
  })
  const read = book.read({ text, signature: north.sign(text), credential: 'north' })
  assert.match(read?.signed.text ?? '', /"power":"sun"/)
})

test('what has another form is refused', () => {
  const { book } = east()
  for (const value of [undefined, 'east', {}, { text: '{', signature: '', credential: '' }, { text: 1 }])
    assert.equal(book.read(value), undefined)
})
