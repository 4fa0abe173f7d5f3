/** A site without its WAN: it goes on as a cloud, the others say what they do not know, and the heal touches nothing. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createServer,
  deleteServer,
  listImages,
  listServers,
  waitForDeletion,
  waitForStatus,
  waitUntil,
} from '@atoll/sdk'
import { guestProcesses } from '../support/guest-process.ts'
import {
  type Basics,
  type LabCloud,
  makeBasics,
  openLabCloud,
  skipWithoutRoot,
} from '../support/lab-cloud.ts'

const TEST_TIMEOUT_MS = 300_000
const BOOT = { timeoutMs: 120_000 }
/** The promises of the design: how long a list may take while a site is silent, and agreement after a heal. */
const LIST_MS_MAX = 1000
const AGREEMENT_MS_MAX = 5000

describe('a site that is cut off', { skip: skipWithoutRoot, timeout: 2 * TEST_TIMEOUT_MS }, () => {
  let opened: LabCloud
  let basics: Basics
  let before_cut: { readonly id: string; readonly pids: readonly number[] }

  before(async () => {
    opened = await openLabCloud({ name: 'test-cut' })
    basics = await makeBasics(opened, 'site1')
    const { cloud } = opened
    const connection = await cloud.connect('site1')
    const { id } = await createServer(connection, server('survivor', 'site2'))
    await waitForStatus(connection, id, 'ACTIVE', BOOT)
    before_cut = { id, pids: guestProcesses(id) }
    assert.equal(before_cut.pids.length, 1)
  })
  after(() => opened?.close())

  const server = (name: string, availabilityZone?: string) => ({
    ...{ name, imageId: basics.imageId, flavorId: basics.flavorId },
    networks: [{ uuid: basics.networkId }],
    ...(availabilityZone === undefined ? {} : { availabilityZone }),
  })

  test('goes on, is shown as UNKNOWN elsewhere, and heals', { timeout: TEST_TIMEOUT_MS }, async (t) => {
    const { cloud, lab } = opened
    const outside = await cloud.connect('site1')
    await lab.wan.cut('site2')

    await t.test('elsewhere its servers are UNKNOWN, and the list does not wait for it', async () => {
      const lookedMs: number[] = []
      await waitUntil({ what: 'the server is UNKNOWN at site1', timeoutMs: 15_000 }, async () => {
        const startedMs = performance.now()
        const found = (await listServers(outside)).find(({ id }) => id === before_cut.id)
        lookedMs.push(performance.now() - startedMs)
        assert.ok(found, 'the server is never hidden')
        return found.status === 'UNKNOWN'
      })
      assert.ok(Math.max(...lookedMs) < LIST_MS_MAX, `lists took ${lookedMs.map(Math.round).join(', ')} ms`)
    })

    await t.test('inside, tokens, images and servers go on', async () => {
      // A new token: the password is checked against the site's own replica.
      const inside = await cloud.connect('site2')
      assert.ok((await listImages(inside)).some(({ id }) => id === basics.imageId))
      const kept = await createServer(inside, server('made-in-the-cut'))
      const shown = await waitForStatus(inside, kept.id, 'ACTIVE', BOOT)
      assert.equal(shown['OS-EXT-AZ:availability_zone'], 'site2')
      const short = await createServer(inside, server('gone-in-the-cut'))
      await waitForStatus(inside, short.id, 'ACTIVE', BOOT)
      await deleteServer(inside, short.id)
      await waitForDeletion(inside, short.id, BOOT)
      const names = (await listServers(inside)).map(({ name }) => name)
      assert.deepEqual(names.sort(), ['made-in-the-cut', 'survivor'])
    })

    await t.test('after the heal both sides agree, and no guest was touched', async () => {
      const inside = await cloud.connect('site2')
      const view = async (connection: typeof inside) =>
        JSON.stringify((await listServers(connection)).map(({ id, status }) => `${id} ${status}`).sort())
      await lab.wan.heal('site2')
      const wait = { what: 'both sites show the same servers', timeoutMs: AGREEMENT_MS_MAX }
      const agreed = await waitUntil(wait, async () => {
        const [there, here] = await Promise.all([view(inside), view(outside)])
        return there === here && here
      })
      assert.match(agreed, new RegExp(`${before_cut.id} ACTIVE`))
      assert.deepEqual(guestProcesses(before_cut.id), before_cut.pids)
    })
  })
})
