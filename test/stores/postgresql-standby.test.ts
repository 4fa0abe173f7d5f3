/** A PostgreSQL server that is lost under load, and its standby, which has every acknowledged commit and takes its place. */

import { after, before, describe } from 'node:test'
import { postgresqlPackages, type SqlStoreServer, startPostgresql } from '@atoll/lab'
import { sqlIsolationUnder } from './sql-isolation.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on PostgreSQL with a standby', { skip: await whyNoServers(postgresqlPackages) }, () => {
  const places = [serverDirectory(), serverDirectory()] as const
  let primary: SqlStoreServer
  let standby: SqlStoreServer
  before(async () => {
    primary = await startPostgresql(places[0])
    standby = await startPostgresql({ ...places[1], standbyOf: primary })
    await primary.execute("alter system set synchronous_standby_names = '*'")
    await primary.execute('select pg_reload_conf()')
  })
  after(async () => {
    await standby?.stop()
    await primary?.stop()
    for (const { remove } of places) remove()
  })

  sqlIsolationUnder('PostgreSQL', 'while its primary is lost and its standby takes over', {
    fresh: async () => {
      const database = new URL(await primary.createDatabase('histories')).pathname
      const [one, other] = [primary, standby].map(({ port }) => `127.0.0.1:${port}`)
      return [`${one},${other}`, `${other},${one}`].map(
        (servers) => `postgresql://postgres@${servers}${database}`,
      )
    },
    blows: [
      async () => {
        await primary.kill()
        await standby.execute('select pg_promote()')
      },
    ],
  })
})
