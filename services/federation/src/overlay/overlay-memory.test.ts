import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { DescriptorBook, MockAuthority, OverlaySite } from '@atoll/overlay'
import { openSqlite, type Store } from '@atoll/rome'
import { State } from '@atoll/state'
import { federationTables } from '../tables.ts'
import { OverlayMemory } from './overlay-memory.ts'

const world = { clock: systemClock, random: seededRandom('here') }
const nobody = () => false

async function openMemory(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-memory-'))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  t.after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const site = { name: 'here', code: 1 }
  const state = await State.open({ ...world, store, site, records: [], locals: federationTables })
  const counted = countWrites(store)
  const open = async () => {
    const memory = new OverlayMemory({ state, store: counted.store })
    return { memory, loaded: await memory.load() }
  }
  return { open, writes: counted.writes }
}

function countWrites(store: Store) {
  let writes = 0
  const transaction: Store['transaction'] = (work) => {
    writes++
    return store.transaction(work)
  }
  return { store: Object.assign(Object.create(store) as Store, { transaction }), writes: () => writes }
}

/** An overlay that was told of other sites and never ran. */
function overlayOf(authority: MockAuthority) {
  const signatures = authority.issue({ site: 'here', isRevoked: nobody })
  const environment = { ...world, send: () => {} }
  const site = new OverlaySite({ environment, signatures, addresses: [], contacts: () => [], space: {} })
  const learn = (name: string, incarnation = 1, port = 1) => {
    const book = new DescriptorBook(authority.issue({ site: name, isRevoked: nobody }))
    site.learn(book.issue({ addresses: [{ host: name, port }], incarnation, state: 'alive' }))
  }
  return { site, learn }
}

test('what was known of others is kept over a restart; who was shut out meanwhile is not genuine any more', async (t) => {
  const authority = new MockAuthority()
  const { open } = await openMemory(t)
  const { site, learn } = overlayOf(authority)
  for (const name of ['east', 'west']) learn(name)
  await (await open()).memory.keep(site)
  const { loaded } = await open()
  assert.deepEqual(loaded.position, site.space?.positions.load())
  const book = new DescriptorBook(authority.issue({ site: 'here', isRevoked: (name) => name === 'west' }))
  assert.deepEqual(
    loaded.members.flatMap((signed) => book.read(signed)?.contact.site ?? []),
    ['east'],
  )
})

test('what is as it was written is not written again, and a new address is', async (t) => {
  const { open, writes } = await openMemory(t)
  const { site, learn } = overlayOf(new MockAuthority())
  learn('east')
  const { memory } = await open()
  await memory.keep(site)
  learn('east', 2)
  await memory.keep(site)
  assert.equal(writes(), 1)
  learn('east', 3, 2)
  await memory.keep(site)
  assert.equal(writes(), 2)
  const [known] = (await open()).loaded.members
  assert.match(known?.text ?? '', /"port":2/)
})

test('a site that was shut out is not kept', async (t) => {
  const { open } = await openMemory(t)
  const { site, learn } = overlayOf(new MockAuthority())
  learn('east')
  const { memory } = await open()
  await memory.keep(site)
  site.shutOut('east')
  await memory.keep(site)
  assert.deepEqual((await open()).loaded.members, [])
})
