/** The life of real servers on one host: what their guests learn of themselves, and what becomes of each wish of the owner. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  COMPUTE_MICROVERSION,
  type Connection,
  consoleOutput,
  createServer,
  deleteServer,
  importKeypair,
  waitForConsole,
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

const TEST_TIMEOUT_MS = 240_000
const WAIT = { timeoutMs: 90_000 }
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfZVrZDNJnYOcGYmjUO0mhSrqIJJEBtT7+6xuPMjGw3 somebody'
const versioned = { microversion: COMPUTE_MICROVERSION }

describe('a real server', { skip: skipWithoutRoot, timeout: 3 * TEST_TIMEOUT_MS }, () => {
  let opened: LabCloud
  let basics: Basics
  let connection: Connection

  before(async () => {
    opened = await openLabCloud({ name: 'test-life', sites: ['site1'] })
    basics = await makeBasics(opened, 'site1')
    connection = await opened.cloud.connect('site1')
    await importKeypair(connection, { name: 'my key', publicKey: KEY })
  })
  after(() => opened?.close())

  const act = (id: string, body: object) =>
    connection.post('compute', `/v2.1/servers/${id}/action`, body, versioned)
  const boots = async (id: string) =>
    (await consoleOutput(connection, id, 10_000)).split('atoll-guest: ready').length - 1

  test('learns who it is from the network, keeps its process in a reboot, and ends for good', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { id } = await createServer(connection, {
      name: 'reef',
      imageId: basics.imageId,
      flavorId: basics.flavorId,
      networks: [{ uuid: basics.networkId }],
      keyName: 'my key',
      userData: '#!/bin/sh\necho "user data läuft 🏝"\nexit 3\n',
    })
    const said = await waitForConsole(connection, id, /atoll-guest: ready/, WAIT)
    for (const line of ['metadata network', 'hostname reef', `key ${KEY}`, 'user-data exit 3']) {
      assert.ok(said.includes(`atoll-guest: ${line}`), `${line} in ${said}`)
    }
    assert.match(said, /atoll-guest: address eth0 10\.77\.0\.\d+\/24/)
    assert.ok(said.includes('user data läuft 🏝'))
    await waitForStatus(connection, id, 'ACTIVE', WAIT)
    const [pid, ...more] = guestProcesses(id)
    assert.ok(pid !== undefined && more.length === 0)

    await act(id, { reboot: { type: 'SOFT' } })
    await waitUntil({ what: 'the second boot', ...WAIT }, async () => (await boots(id)) >= 2)
    await waitForStatus(connection, id, 'ACTIVE', WAIT)
    assert.deepEqual(guestProcesses(id), [pid])

    // The peer dies while it waits for the guest to shut down; the next one brings the stop to its end.
    await act(id, { 'os-stop': null })
    const peer = opened.cloud.peer('site1')
    await peer.stop('SIGKILL')
    await peer.start()
    await waitForStatus(connection, id, 'SHUTOFF', WAIT)
    assert.deepEqual(guestProcesses(id), [])

    await act(id, { 'os-start': null })
    await waitForStatus(connection, id, 'ACTIVE', WAIT)
    const [crashing] = guestProcesses(id)
    assert.ok(crashing !== undefined)
    process.kill(crashing, 'SIGKILL')
    await waitUntil({ what: 'a new process', ...WAIT }, () => {
      const [next] = guestProcesses(id)
      return Promise.resolve(next !== undefined && next !== crashing)
    })

    await deleteServer(connection, id)
    await waitForDeletion(connection, id, WAIT)
    assert.deepEqual(guestProcesses(id), [])
  })

  test('without a network learns the same from its config drive, and may shut itself down', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const userData = '#!/bin/sh\necho "from the drive: ö"\npoweroff\n'
    const body = {
      server: {
        name: 'lagoon',
        imageRef: basics.imageId,
        flavorRef: basics.flavorId,
        networks: 'none',
        config_drive: true,
        key_name: 'my key',
        user_data: Buffer.from(userData).toString('base64'),
      },
    }
    const reply = await connection.post<{ server: { id: string } }>(
      'compute',
      '/v2.1/servers',
      body,
      versioned,
    )
    const { id } = reply.server
    const said = await waitForConsole(connection, id, /from the drive: ö/, WAIT)
    for (const line of ['metadata config-drive', 'hostname lagoon', `key ${KEY}`]) {
      assert.ok(said.includes(`atoll-guest: ${line}`), `${line} in ${said}`)
    }
    await waitForStatus(connection, id, 'SHUTOFF', WAIT)
    assert.deepEqual(guestProcesses(id), [])
    await deleteServer(connection, id)
    await waitForDeletion(connection, id, WAIT)
  })
})
