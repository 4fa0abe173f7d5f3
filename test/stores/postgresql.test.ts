import { after, before, describe } from 'node:test'
import { postgresqlPackages, type StoreServer, startPostgresql } from '@atoll/lab'
import { sqlFacts } from './sql-facts.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on PostgreSQL', { skip: await whyNoServers(postgresqlPackages) }, () => {
  const place = serverDirectory()
  let server: StoreServer
  before(async () => {
    server = await startPostgresql({ directory: place.directory })
  })
  after(async () => {
    await server.stop()
    place.remove()
  })
  sqlFacts(() => server.url)
})
