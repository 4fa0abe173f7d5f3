/** Stores whose servers speak TLS, with a certificate whose authority the process trusts, or does not. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import {
  certificatePackages,
  etcdPackages,
  makeServerCertificates,
  redisPackages,
  type ServerCertificates,
  startEtcd,
  startRedis,
  startRedisCluster,
} from '@atoll/lab'
import { StoreUnavailable } from '@atoll/rome'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

interface Kind {
  readonly start: (options: {
    readonly directory: string
    readonly tls: ServerCertificates
  }) => Promise<{ readonly url: string; stop(): Promise<void> }>
  /** The address of a store of its own on the server. */
  readonly storeAt: (url: string, name: string) => string
}

const inNamespace = (url: string, name: string) => `${url}?namespace=${name}`

const KINDS: Readonly<Record<string, Kind>> = {
  Redis: { start: startRedis, storeAt: inNamespace },
  'a Redis Cluster': { start: startRedisCluster, storeAt: inNamespace },
  etcd: { start: startEtcd, storeAt: (url, name) => `${url}-${name}` },
}

const skip = (await whyNoServers([...redisPackages, ...etcdPackages, ...certificatePackages])) ?? false
const place = serverDirectory()
after(() => place.remove())
let names = 0

for (const [name, { start, storeAt }] of Object.entries(KINDS)) {
  const directory = join(place.directory, name.replaceAll(' ', '-'))
  let starting: ReturnType<Kind['start']> | undefined
  const server = () => {
    starting ??= trusted(directory).then((tls) => start({ directory, tls }))
    return starting
  }
  after(async () => (await starting)?.stop())

  storeSuite(
    `${name} over TLS`,
    async () => {
      const url = storeAt((await server()).url, `store${++names}`)
      return { open: () => openClient(url), close: async () => {} }
    },
    { isShared: true, skip },
  )

  describe(`${name} over TLS`, { skip }, () => {
    test('is not used in the clear, nor by who does not trust its authority', async (t) => {
      const { url } = await server()
      const inTheClear = url.replace(/^(\w+?)s(-cluster)?:/, '$1$2:')
      await assert.rejects(openClient(inTheClear), StoreUnavailable.is)
      const trusting = getCACertificates('default')
      t.after(() => setDefaultCACertificates(trusting))
      setDefaultCACertificates(getCACertificates('bundled'))
      await assert.rejects(openClient(url), StoreUnavailable.is)
    })
  })
}

/** What `NODE_EXTRA_CA_CERTS` does for a process when it starts. */
async function trusted(directory: string): Promise<ServerCertificates> {
  const certificates = await makeServerCertificates(join(directory, 'certificates'))
  setDefaultCACertificates([...getCACertificates('default'), certificates.authorityPem])
  return certificates
}
