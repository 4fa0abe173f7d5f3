import { after, describe } from 'node:test'
import { postgresqlPackages, type SqlStoreServer, startPostgresql } from '@atoll/lab'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { sqlFacts } from './sql-facts.ts'
import { openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const skip = (await whyNoServers(postgresqlPackages)) ?? false
const { directory, remove } = serverDirectory()
let starting: Promise<SqlStoreServer> | undefined
const server = () => {
  starting ??= startPostgresql({ directory })
  return starting
}
after(async () => {
  await (await starting)?.stop()
  remove()
})

let databases = 0
const freshUrl = async () => (await server()).createDatabase(`atoll_${++databases}`)

storeSuite(
  'PostgreSQL',
  async () => {
    const url = await freshUrl()
    return { open: () => openClient(url), close: async () => {} }
  },
  { isShared: true, skip },
)

describe('PostgreSQL, as SQLite does it,', { skip }, () => {
  sqlFacts(async () => (await server()).url)
})
