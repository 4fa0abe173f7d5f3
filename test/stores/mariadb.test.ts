import { after, before, describe } from 'node:test'
import { mariadbPackages, type StoreServer, startMariadb } from '@atoll/lab'
import { sqlFacts } from './sql-facts.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on MariaDB', { skip: await whyNoServers(mariadbPackages) }, () => {
  const place = serverDirectory()
  let server: StoreServer
  before(async () => {
    server = await startMariadb({ directory: place.directory })
  })
  after(async () => {
    await server.stop()
    place.remove()
  })
  sqlFacts(() => server.url)
})
