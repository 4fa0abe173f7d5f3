/** Two peers of a site on one machine share its host: when the one that serves it is killed, the other goes on with its guests. */

import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { projectHome, startLocalCloud, startSiteStore } from '@atoll/cli'
import { silentLogger } from '@atoll/kit'
import { buildGuestImage, createLab, labServerHost } from '@atoll/lab'
import { createServer, waitForConsole, waitForStatus, waitUntil } from '@atoll/sdk'
import { guestProcesses } from '../support/guest-process.ts'
import { keepLogs, makeBasics, skipWithoutRoot } from '../support/lab-cloud.ts'

const TEST_TIMEOUT_MS = 300_000
const BOOT = { timeoutMs: 120_000 }

async function openCloud(t: TestContext, name: string) {
  const cacheDirectory = join(projectHome, '.atoll/cache')
  const { path: imagePath } = await buildGuestImage({ cacheDirectory, log: silentLogger })
  const directory = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  chmodSync(directory, 0o711)
  const cleanUps: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })]
  t.after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })
  const lab = await createLab({ name, hosts: ['site1', 'store'], wan: { delayMs: 1 } })
  cleanUps.push(() => lab.destroy())
  const store = await startSiteStore('redis', {
    directory: join(directory, 'store'),
    host: labServerHost(lab, 'store'),
  })
  cleanUps.push(() => store.stop())
  const host = ['--hypervisor', 'qemu', '--accel', 'tcg', '--host-directory', join(directory, 'host')]
  const sites = { name, sites: ['site1'], storeOf: () => store.url }
  const cloud = await startLocalCloud({ ...sites, directory, lab, peerOptions: host })
  cleanUps.push(
    () =>
      keepLogs(
        name,
        directory,
        cloud.peers.map((peer) => peer.name),
      ),
    () => cloud.stop(),
  )
  return { lab, cloud, imagePath, close: async () => {} }
}

test('kill -9 of the peer that serves a host: the other takes over its guests, which run on', {
  skip: skipWithoutRoot,
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const opened = await openCloud(t, 'test-shared')
  const { cloud } = opened
  const first = cloud.peer('site1')
  const second = await cloud.addPeer({ site: 'site1', name: 'standby' })
  const { imageId, flavorId, networkId } = await makeBasics(opened, 'site1')
  const connection = await second.connect(cloud.adminPassword)
  const make = (name: string) =>
    createServer(connection, { name, imageId, flavorId, networks: [{ uuid: networkId }] })
  const { id } = await make('steady')
  // Asked of the peer that does not serve the host.
  await waitForConsole(connection, id, /atoll-guest: ready/, BOOT)
  await waitForStatus(connection, id, 'ACTIVE', BOOT)
  const pids = guestProcesses(id)
  assert.equal(pids.length, 1)

  const { id: late } = await make('late')
  await first.stop('SIGKILL')
  await waitUntil({ what: 'the other peer serves the host', timeoutMs: 60_000 }, async () => {
    const { peers } = await second.status()
    return peers.find(({ name }) => name === 'standby')?.hosts === 1
  })
  await waitForStatus(connection, late, 'ACTIVE', BOOT)
  await waitForConsole(connection, late, /atoll-guest: address eth0 10\.77\.0\.\d+\/24/, BOOT)
  await waitForConsole(connection, id, /atoll-guest: ready/, BOOT)
  assert.deepEqual(guestProcesses(id), pids, 'the guest has kept its process')
  assert.equal(guestProcesses(late).length, 1)

  // The one that was killed comes back, stands by, and shows what runs on the host of the other.
  await first.start()
  const again = await first.connect(cloud.adminPassword)
  await waitForConsole(again, id, /atoll-guest: ready/, BOOT)
  assert.deepEqual(guestProcesses(id), pids)
})
