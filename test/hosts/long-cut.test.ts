/**
 * Five sites as processes, one of which has no way to the others for 72 hours by the time of day: what `test/scenarios` simulates over many
 * seeds, once for real. The days pass in three leaps, between which people work on both sides.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missingPackages } from '@atoll/lab'
import { deleteServer, listServers, type Server, waitForDeletion, waitUntil } from '@atoll/sdk'
import { describeServer, type FiveSites, idsOf, openFiveSites, SITES, SOON } from '../support/five-sites.ts'
import { skipWithoutRoot } from '../support/lab-cloud.ts'
import { type LeapingClock, leapingClockPackages, withLeapingClock } from '../support/leaping-clock.ts'

const NAME = 'test-long-cut'
const LONELY = 'site5'
const OTHERS = SITES.filter((site) => site !== LONELY)
/** Where people work on the one side, and on the other. */
const SIDES = ['site2', LONELY] as const
const DAYS = 3
const TEST_TIMEOUT_MS = 240_000

const missing = skipWithoutRoot === false ? await missingPackages(leapingClockPackages) : []
const skip = missing.length > 0 ? `not installed: ${missing.join(' ')}` : skipWithoutRoot

describe('a cloud of five sites of which one is cut off for 72 hours', {
  skip,
  timeout: TEST_TIMEOUT_MS,
}, () => {
  let five: FiveSites
  let clock: LeapingClock

  before(async () => {
    five = await openFiveSites({
      name: NAME,
      programsOf: (lab, directory) => {
        clock = withLeapingClock(lab, directory)
        return clock.lab
      },
    })
  })
  after(() => five?.close())

  const makeAt = async (site: string, name: string) =>
    five.makeServer(await five.cloud.connect(site), name, site)

  const deleteAt = async (site: string, { id }: Server) => {
    const connection = await five.cloud.connect(site)
    await deleteServer(connection, id)
    await waitForDeletion(connection, id, SOON)
  }

  test('each side works, tokens expire, and then all agree', { timeout: TEST_TIMEOUT_MS }, async (t) => {
    const before = await five.agreed()
    for (const other of OTHERS) await five.lab.wan.cut(LONELY, other)
    const made: Server[] = []
    const removed: Server[] = []
    for (const site of SIDES)
      await t.test(`${site} makes and deletes, and knows whom it cannot ask`, async () => {
        const connection = await five.cloud.connect(site)
        await waitUntil({ what: 'the other side is UNKNOWN', ...SOON }, async () =>
          (await listServers(connection)).every(
            ({ status, 'OS-EXT-AZ:availability_zone': zone }) =>
              (status === 'UNKNOWN') === ((zone === LONELY) !== (site === LONELY)),
          ),
        )
        made.push(await makeAt(site, `made-at-${site}`))
        const victim = before.find(({ name }) => name === `${site}-1`)
        assert.ok(victim)
        await deleteAt(site, victim)
        removed.push(victim)
      })
    for (let day = 1; day <= DAYS; day++)
      await t.test(`day ${day}: old tokens are refused, and people log in anew and work`, async () => {
        const tokens = await Promise.all(SITES.map(async (site) => (await five.cloud.connect(site)).token))
        const ask = async (site: string, token: string) => {
          const headers = { 'x-auth-token': token }
          return (await fetch(`${five.cloud.peer(site).apiUrl}/compute/v2.1/servers`, { headers })).status
        }
        for (const [index, site] of SITES.entries()) assert.equal(await ask(site, tokens[index] ?? ''), 200)
        clock.leap(24)
        for (const site of SITES)
          await waitUntil({ what: `${site} refuses all tokens of yesterday`, ...SOON }, async () => {
            const answers = await Promise.all(tokens.map((token) => ask(site, token)))
            return answers.every((status) => status === 401)
          })
        for (const site of SIDES) {
          const today = await makeAt(site, `day-${day}-at-${site}`)
          const yesterday = made.findLast(({ name }) => name === `day-${day - 1}-at-${site}`)
          if (yesterday) await deleteAt(site, yesterday)
          if (yesterday) removed.push(yesterday)
          made.push(today)
        }
      })
    await t.test('after the heal all agree, and nothing healthy was touched', async () => {
      await five.lab.wan.heal()
      const expected = [...before, ...made].filter(({ id }) => !removed.some((gone) => gone.id === id))
      const shown = await five.agreed()
      assert.deepEqual(idsOf(shown), idsOf(expected))
      const now = new Map(shown.map((server) => [server.id, describeServer(server)]))
      for (const server of expected) assert.equal(now.get(server.id), describeServer(server))
      for (const { certificates } of await Promise.all(SITES.map((site) => five.cloud.peer(site).status())))
        assert.ok(Date.parse(certificates?.peerEndsAt ?? '') - Date.now() > DAYS * 24 * 3_600_000)
      const latestMs = Math.max(...shown.map(({ updated = '' }) => Date.parse(updated)))
      assert.ok(
        latestMs - Date.now() > (DAYS * 24 - 1) * 3_600_000,
        'the time of day of the sites did not leap',
      )
    })
    await t.test('a server of one side is deleted through the other', async () => {
      await deleteAt('site3', await makeAt(LONELY, 'after-the-heal'))
    })
  })
})
