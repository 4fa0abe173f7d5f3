/** A peer that dies without warning beside a real guest: the guest runs on, and the next peer takes it over. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  consoleOutput,
  createServer,
  deleteServer,
  showServer,
  waitForConsole,
  waitForDeletion,
  waitForStatus,
} from '@atoll/sdk'
import { guestProcesses } from '../support/guest-process.ts'
import { type LabCloud, makeBasics, openLabCloud, skipWithoutRoot } from '../support/lab-cloud.ts'

const TEST_TIMEOUT_MS = 300_000
const BOOT = { timeoutMs: 120_000 }

describe('kill -9 of a peer with a real guest', {
  skip: skipWithoutRoot,
  timeout: 2 * TEST_TIMEOUT_MS,
}, () => {
  let opened: LabCloud

  before(async () => {
    opened = await openLabCloud({ name: 'test-restart', sites: ['site1'] })
  })
  after(() => opened?.close())

  test('the guest keeps its process, and the next peer goes on with it', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { cloud } = opened
    const { imageId, flavorId, networkId } = await makeBasics(opened, 'site1')
    const peer = cloud.peer('site1')
    const connection = await cloud.connect('site1')
    const make = (name: string) =>
      createServer(connection, { name, imageId, flavorId, networks: [{ uuid: networkId }] })
    const { id } = await make('steady')
    await waitForConsole(connection, id, /atoll-guest: ready/, BOOT)
    await waitForStatus(connection, id, 'ACTIVE', BOOT)
    const pids = guestProcesses(id)
    assert.equal(pids.length, 1)

    // One more is on its way when the peer dies: acknowledged, so it must come to be.
    const { id: late } = await make('late')
    await peer.stop('SIGKILL')
    assert.deepEqual(guestProcesses(id), pids)
    await peer.start()

    assert.equal((await waitForStatus(connection, id, 'ACTIVE', BOOT)).name, 'steady')
    await waitForStatus(connection, late, 'ACTIVE', BOOT)
    await waitForConsole(connection, late, /atoll-guest: address eth0 10\.77\.0\.\d+\/24/, BOOT)
    assert.match(await consoleOutput(connection, id), /atoll-guest: ready/)
    assert.deepEqual(guestProcesses(id), pids)
    assert.equal(guestProcesses(late).length, 1)

    await deleteServer(connection, id)
    await waitForDeletion(connection, id, BOOT)
    assert.deepEqual(guestProcesses(id), [])
    assert.equal((await showServer(connection, late)).status, 'ACTIVE')
  })
})
