import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { descriptorRumour } from './dissemination/descriptors-topic.ts'
import { OverlaySite } from './overlay-site.ts'
import type { Message } from './protocol/message.ts'
import type { Signatures } from './protocol/signatures.ts'
import { VirtualClock } from './testing.ts'
import { MockAuthority } from './transport/mock-authority.ts'

const addresses = [{ host: 'here.example', port: 8775 }]
const east = { site: 'east', addresses: [] }

function siteAt(nowMs: number, signatures: Signatures, own = addresses): OverlaySite {
  const environment = { clock: new VirtualClock(nowMs), random: seededRandom(1), send: () => {} }
  const site = new OverlaySite({ environment, signatures, addresses: own, contacts: () => [] })
  site.start()
  return site
}

const signaturesOf = (site: string) => new MockAuthority().issue({ site, isRevoked: () => false })

/** Tells a site what another one says of itself, as gossip does. */
function tell(to: OverlaySite, { self }: OverlaySite): void {
  to.receive(east, { type: 'rumours.news', version: 1, rumours: [descriptorRumour(self)] } as Message)
}

test('two that speak for one site and say the same do not outbid each other', () => {
  const signatures = signaturesOf('here')
  const [former, present] = [siteAt(1000, signatures), siteAt(2000, signatures)]
  for (let round = 0; round < 5; round++) {
    tell(former, present)
    tell(present, former)
  }
  assert.deepEqual([former.self.incarnation, present.self.incarnation], [2000, 2000])
})

test('what an earlier life said of other addresses is outbid', () => {
  const signatures = signaturesOf('here')
  const [ahead, present] = [
    siteAt(5000, signatures, [{ host: 'old.example', port: 1 }]),
    siteAt(2000, signatures),
  ]
  tell(present, ahead)
  assert.equal(present.self.incarnation, 5001)
  assert.deepEqual(present.self.contact.addresses, addresses)
})

test('a site tells anew of itself when it listens elsewhere or has another certificate, and only then', () => {
  let credential = 'the first'
  const site = siteAt(1000, {
    ...signaturesOf('here'),
    get credential() {
      return credential
    },
  })
  site.describe(addresses)
  assert.equal(site.self.incarnation, 1000)
  credential = 'the second'
  site.describe(addresses)
  assert.deepEqual([site.self.incarnation, site.self.signed.credential], [1001, 'the second'])
  site.describe([{ host: 'there.example', port: 8775 }])
  assert.deepEqual([site.self.incarnation, site.self.contact.addresses[0]?.host], [1002, 'there.example'])
})
