import { after, describe } from 'node:test'
import { mariadbPackages, type SqlStoreServer, startMariadb } from '@atoll/lab'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { sqlFacts } from './sql-facts.ts'
import { openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const skip = (await whyNoServers(mariadbPackages)) ?? false
const { directory, remove } = serverDirectory()
let starting: Promise<SqlStoreServer> | undefined
const server = () => {
  starting ??= startMariadb({ directory })
  return starting
}
after(async () => {
  await (await starting)?.stop()
  remove()
})

let databases = 0
const freshUrl = async () => (await server()).createDatabase(`atoll_${++databases}`)

storeSuite(
  'MariaDB',
  async () => {
    const url = await freshUrl()
    return { open: () => openClient(url), close: async () => {} }
  },
  { isShared: true, skip },
)

describe('MariaDB, as SQLite does it,', { skip }, () => {
  sqlFacts(async () => (await server()).url)
})
