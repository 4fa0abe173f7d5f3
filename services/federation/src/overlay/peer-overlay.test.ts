import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  type Notification,
  OVERLAY_BODY_MAX,
  OVERLAY_PATH,
  signedRumour,
  signedTopic,
  siteKey,
} from '@atoll/overlay'
import { type CloudOptions, foundCloudRecords, openCloud, type TestSite, until } from '../test-cloud.ts'

const NAMES = ['east', 'west', 'north', 'south']

/** Sites of which each was told of the first one only. */
function open(t: TestContext, names = NAMES, services?: CloudOptions['services']) {
  return openCloud(names, (cleanUp) => t.after(cleanUp), services ? { services } : {})
}

const stateAt = ({ federation }: TestSite, site: string) => federation.overlay.find(site)?.state

function untilAll(what: string, sites: readonly TestSite[], holds: (site: TestSite) => boolean) {
  return until(what, () => sites.every(holds))
}

test('sites that know one other find all the rest by gossip alone, and their directories learn of them', async (t) => {
  const { site } = await open(t, NAMES, ({ overlay }) => [overlay])
  const sites = NAMES.map(site)
  await untilAll('all are alive to all', sites, (here) =>
    NAMES.every((name) => name === here.name || stateAt(here, name) === 'alive'),
  )
  await untilAll(
    'all directories are whole',
    sites,
    ({ federation }) => federation.directory.all.length === 4,
  )
  const order = NAMES.toSorted((left, right) => (siteKey(left) < siteKey(right) ? -1 : 1))
  await untilAll('the ring is closed', sites, ({ name, federation }) => {
    const next = order[(order.indexOf(name) + 1) % order.length]
    return federation.overlay.ring?.successors[0]?.site === next
  })
  const { overlay } = site('south').federation
  const measured = () => overlay.nearest(3).filter(({ isMeasured }) => isMeasured)
  await until('the others were measured', () => measured().length === 3)
  assert.equal(overlay.outward().length, 3)
  await until('a pair of others is predicted', () => overlay.predictedMs('west', 'north') !== undefined)
})

test('a site that is silent is cut for all others, and alive again when it is back', async (t) => {
  const { network, site } = await open(t)
  const sites = NAMES.map(site)
  await untilAll('all are alive', sites, ({ federation }) => federation.overlay.members.length === 3)
  const heard: Notification[] = []
  const east = site('east').federation
  const subscription = east.overlay.notifications.subscribe({
    name: 'test',
    kinds: ['state'],
    handle: (notification) => void heard.push(notification),
  })
  site('east').supervisor.start(subscription)
  const others = NAMES.filter((name) => name !== 'south')
  for (const name of others) network.cutBoth('south', name)
  await untilAll('south is cut', others.map(site), (here) => stateAt(here, 'south') === 'cut')
  assert.ok(!east.overlay.outward().some(({ site: name }) => name === 'south'))
  for (const name of others) network.healBoth('south', name)
  await untilAll('south is alive', others.map(site), (here) => stateAt(here, 'south') === 'alive')
  await until('east was told of both', () => {
    const states = heard.flatMap((each) => (each.kind === 'state' && each.site === 'south' ? each.state : []))
    return states.includes('cut') && states.at(-1) === 'alive'
  })
})

test('a site that sleeps is dormant to the others, and alive when it wakes', async (t) => {
  const { site } = await open(t)
  await foundCloudRecords(site('east'))
  await untilAll(
    'all are alive',
    NAMES.map(site),
    ({ federation }) => federation.overlay.members.length === 3,
  )
  const others = NAMES.filter((name) => name !== 'south').map(site)
  await site('south').federation.sleep()
  await untilAll('south is dormant', others, (here) => stateAt(here, 'south') === 'dormant')
  await site('south').federation.wake()
  await untilAll('south is alive', others, (here) => stateAt(here, 'south') === 'alive')
})

test('a site that is shut out leaves every table, and its datagrams are refused', async (t) => {
  const { site, network } = await open(t)
  await foundCloudRecords(site('east'))
  await untilAll(
    'all are alive',
    NAMES.map(site),
    ({ federation }) => federation.overlay.members.length === 3,
  )
  await site('east').federation.revokeSite({ site: 'south', reason: 'stolen' })
  const honest = NAMES.filter((name) => name !== 'south').map(site)
  await untilAll('south is gone', honest, (here) => stateAt(here, 'south') === undefined)
  const thief = network.connect({ cloud: 'test', site: 'south', peer: 'p' })
  const body = Buffer.from('{"version":1,"addresses":[],"messages":[]}')
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await thief.request({ site: 'west', method: 'POST', path: OVERLAY_PATH, headers, body })
  assert.equal(answer.status, 403)
})

test('what says nothing is answered with nothing, and what is too large is refused', async (t) => {
  const { site, network } = await open(t, ['east', 'west'])
  await until('east runs', () => site('east').federation.overlay.isRunning)
  const west = network.connect({ cloud: 'test', site: 'west', peer: 'p' })
  const post = async (body: Buffer, type = 'application/octet-stream') => {
    const headers = { 'content-type': type }
    return (await west.request({ site: 'east', method: 'POST', path: OVERLAY_PATH, headers, body })).status
  }
  assert.equal(await post(Buffer.from('no JSON')), 200)
  assert.equal(await post(Buffer.from('{"messages":[{"type":"faults.ping","version":1}]}')), 200)
  assert.equal(await post(Buffer.alloc(OVERLAY_BODY_MAX + 1, ' ')), 400)
  assert.equal(await post(Buffer.from('<a/>'), 'text/xml'), 400)
})

test('a peer that does not run the overlay, and knows none that does, says so and tells nothing', async (t) => {
  const { site, network } = await open(t, ['east', 'west'], () => [])
  const west = network.connect({ cloud: 'test', site: 'west', peer: 'p' })
  const answer = await west.request({
    site: 'east',
    method: 'POST',
    path: OVERLAY_PATH,
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from('{}'),
  })
  assert.equal(answer.status, 503)
  assert.equal(site('east').federation.overlay.tell({ topic: 'a', subject: 'b', number: 1, body: 1 }), false)
})

test('a site that moved is dialled where it says that it is, although its record has not come yet', async (t) => {
  const { site } = await open(t, ['east', 'west'], ({ overlay }) => [overlay])
  const [east, west] = [site('east'), site('west')]
  await until('they know each other', () => stateAt(east, 'west') === 'alive')
  assert.deepEqual(east.federation.addressesOf('west'), [{ host: 'west', port: 1 }])
  west.settings.addresses = [{ host: 'elsewhere', port: 2 }]
  await west.federation.describeSelf()
  await until('east knows', () => east.federation.addressesOf('west')[0]?.host === 'elsewhere')
  assert.deepEqual(east.federation.directory.find('west')?.addresses, [{ host: 'west', port: 1 }])
})

test('another site is told how far all are from each other, and who is nearest to one of them', async (t) => {
  const { site, network } = await open(t)
  const { overlay } = site('east').federation
  await until('all are measured', () => overlay.outward().filter(({ isMeasured }) => isMeasured).length === 3)
  const isKnown = () => overlay.distances().rttMs.every((row) => !row.includes(null))
  await until('all positions are known', isKnown)
  const west = network.connect({ cloud: 'test', site: 'west', peer: 'p' })
  const get = async (path: string) => {
    const { status, body } = await west.request({ site: 'east', method: 'GET', path: `/peer/v1${path}` })
    return { status, answer: JSON.parse(Buffer.concat(await body.toArray()).toString()) }
  }
  const { answer } = await get('/distances')
  assert.deepEqual([answer.site, answer.sites[0], answer.isPartial], ['east', 'east', false])
  assert.deepEqual(answer.sites.toSorted(), NAMES.toSorted())
  assert.deepEqual(answer.measured.toSorted(), ['north', 'south', 'west'])
  for (const [row, distances] of answer.rttMs.entries())
    for (const [column, rttMs] of distances.entries()) assert.ok(row === column ? rttMs === 0 : rttMs > 0)
  const near = await get('/nearest?site=west&count=2')
  assert.equal(near.answer.nearest.length, 2)
  assert.equal((await get('/nearest?site=atlantis')).status, 404)
  assert.equal((await get('/nearest?site=west&count=0')).status, 400)
})

test('what one site tells of a topic reaches all, and nobody tells it in its name', async (t) => {
  const heard = new Map<string, unknown[]>()
  const { site } = await open(t, NAMES, (federation) => {
    const { overlay } = federation
    const own: unknown[] = []
    heard.set(overlay.signatures.site, own)
    overlay.addTopic(
      signedTopic({
        name: 'weather',
        isUrgent: true,
        signatures: overlay.signatures,
        mayTell: (by, subject) => by === subject,
        onNews: ({ data }) => void own.push(data),
      }),
    )
    return [overlay]
  })
  const sites = NAMES.map(site)
  await untilAll('all are alive', sites, ({ federation }) => federation.overlay.members.length === 3)
  const tell = (by: string, subject: string, data: string) => {
    const { overlay } = site(by).federation
    const told = { topic: 'weather', subject, number: 1, data }
    assert.ok(overlay.tell(signedRumour(overlay.signatures, told)))
  }
  tell('north', 'south', 'a lie')
  tell('south', 'south', 'sunny')
  // Who lies keeps its own lie for the newest word, and harms only itself.
  const honest = ['east', 'west']
  await until('the honest have heard', () => honest.every((name) => heard.get(name)?.includes('sunny')))
  for (const name of honest) assert.deepEqual(heard.get(name), ['sunny'])
})
