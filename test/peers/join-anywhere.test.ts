/** Real peers as processes: a site joins at one that is not the founder, while the founder is down, through the address of any peer. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { askInvitation, startLocalCloud } from '@atoll/cli'
import { waitUntil } from '@atoll/sdk'

const TEST_TIMEOUT_MS = 180_000
const LIFE_MS = 600_000
const peerOptions = ['--hypervisor', 'simulated', '--hosts', '1']

test('a third site joins at the second while the founder is down, and all three are one cloud', {
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-join-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  await using cloud = await startLocalCloud({ name: 'reef', sites: ['east', 'west'], directory, peerOptions })
  const [east, west] = [cloud.peer('east'), cloud.peer('west')]
  const invite = (siteName: string) => askInvitation(west.dataDirectory, { lifeMs: LIFE_MS, siteName })
  await until('west, which is trusted, admits others', async () => {
    try {
      return (await invite('west--probe')).namePrefix === 'west--'
    } catch (error) {
      assert.match(String(error), /cannot join at west.*one of: east/)
      return false
    }
  })
  await assert.rejects(invite('north'), /west--north/, 'a name that another could give, too')

  await east.stop('SIGKILL')
  const { token } = await invite('west--north')
  const north = await cloud.prepareSite('west--north')
  await north.start(joinLine(west.peerUrl, token, 'west--north', north.addressOptions))
  await until('both know the new one', async () => {
    const { sites } = await west.status()
    return sites.some(({ name, isReachable, hosts }) => name === 'west--north' && isReachable && hosts > 0)
  })

  // Its own peer's address is as good for the next one, which only west can admit.
  const second = await invite('west--south')
  const south = await cloud.prepareSite('west--south')
  await south.start(joinLine(north.peerUrl, second.token, 'west--south', south.addressOptions))

  await east.start()
  const peers = [east, west, north, south]
  for (const peer of peers)
    await until(`${peer.site} knows all sites`, async () => {
      const { sites } = await peer.status()
      return sites.filter(({ name, isReachable }) => isReachable || name === peer.site).length === 4
    })
  const codes = peers.map(({ dataDirectory }) => siteFile(dataDirectory).code)
  assert.equal(new Set(codes).size, 4, `codes: ${codes.join(', ')}`)
  const { certificates } = await west.status()
  assert.equal(certificates?.admitsUnder, 'west--')
  assert.equal((await north.status()).certificates?.admitsUnder, null)
  assert.ok(Date.parse(certificates.siteEndsAt) > Date.parse(certificates.peerEndsAt))
  const chain = ['site.crt', 'admitter.crt', 'ca.crt'].map((file) => certificate(north.dataDirectory, file))
  assert.ok(chain[0]?.checkIssued(chain[1] as X509Certificate))
  assert.ok(chain[1]?.checkIssued(chain[2] as X509Certificate))
})

function joinLine(url: string, token: string, site: string, addressOptions: readonly string[]) {
  return ['join', url, '--token', token, '--site', site, ...addressOptions, ...peerOptions]
}

function siteFile(dataDirectory: string): { readonly code: number } {
  return JSON.parse(readFileSync(join(dataDirectory, 'site.json'), 'utf8'))
}

function certificate(dataDirectory: string, file: string): X509Certificate {
  return new X509Certificate(readFileSync(join(dataDirectory, 'keys', file)))
}

function until(what: string, condition: () => Promise<boolean>): Promise<unknown> {
  return waitUntil({ what: () => what, timeoutMs: 90_000, intervalMs: 200 }, condition)
}
