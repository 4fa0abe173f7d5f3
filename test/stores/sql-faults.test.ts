import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { seededRandom, silentLogger, systemClock } from '@atoll/kit'
import {
  mariadbPackages,
  postgresqlPackages,
  type SqlStoreServer,
  startMariadb,
  startPostgresql,
} from '@atoll/lab'
import { parseStoreUrl, type Store, StoreReadOnly, StoreUnavailable } from '@atoll/rome'
import { openMysql } from '@atoll/rome/mysql'
import { openPostgresql } from '@atoll/rome/postgresql'
import { startRelay } from './cutting-relay.ts'
import { Ledger } from './ledger.ts'
import { sqlIsolationUnder } from './sql-isolation.ts'
import { addIsland, counters, islands } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const KINDS = {
  MariaDB: { start: startMariadb, open: openMysql, weak: { 'innodb-flush-log-at-trx-commit': '2' } },
  PostgreSQL: { start: startPostgresql, open: openPostgresql, weak: { synchronous_commit: 'off' } },
} as const

let seeds = 0

for (const [name, { start, open, weak }] of Object.entries(KINDS))
  describe(`a store on ${name}`, {
    skip: await whyNoServers([...mariadbPackages, ...postgresqlPackages]),
  }, () => {
    const place = serverDirectory()
    let server: SqlStoreServer
    let databases = 0
    before(async () => {
      server = await start({ directory: place.directory })
    })
    after(async () => {
      await server.stop()
      place.remove()
    })
    const restart = async (settings?: Readonly<Record<string, string>>) => {
      server = await start({
        directory: place.directory,
        port: server.port,
        ...(settings ? { settings } : {}),
      })
    }
    const client = async (t: TestContext, url: string, log = silentLogger): Promise<Store> => {
      const random = seededRandom(`${process.pid} ${++seeds}`)
      const store = await open({
        url: parseStoreUrl(url),
        clock: systemClock,
        random,
        log,
        statementMsMax: 2000,
      })
      t.after(() => store.close())
      await store.ensureTables([islands, counters])
      return store
    }
    const fresh = () => server.createDatabase(`faults_${++databases}`)

    test('keeps all that it acknowledged when the server is killed, and goes on by itself', async (t) => {
      const url = await fresh()
      const stores = [await client(t, url), await client(t, url)]
      const ledger = new Ledger([...stores, ...stores])
      ledger.begin()
      for (let blow = 0; blow < 2; blow++) {
        await ledger.progress()
        await server.kill()
        const before = ledger.refused
        await ledger.until('clients hear of it', () => ledger.refused > before + 4)
        await restart()
        await ledger.progress()
      }
      await ledger.prove(await client(t, url))
    })

    const killAndStart = async () => {
      await server.kill()
      await restart()
    }
    sqlIsolationUnder(name, 'while the server is killed and started again', {
      fresh: async () => [await fresh()],
      blows: [killAndStart, killAndStart],
    })

    test('does not wait for a peer whose machine is gone in the midst of a transaction', async (t) => {
      const url = await fresh()
      let isGone = false
      const fate = () => (isGone ? 'vanishes' : 'fine')
      const relay = await startRelay({ port: server.port, fate })
      t.after(() => relay.close())
      const lost = await client(t, url.replace(`:${server.port}/`, `:${relay.port}/`))
      const store = await client(t, url)
      const put = (own: Store, count: number, then = () => {}) =>
        own.transaction(async ({ queries }) => {
          const row = queries.insertInto('counters').values({ key: 'a', count })
          await row.onConflict((conflict) => conflict.column('key').doUpdateSet({ count })).execute()
          then()
        })
      await put(lost, 1)
      const losing = put(lost, 2, () => {
        isGone = true
      })
      losing.catch(() => {})
      await relay.died
      await put(store, 3)
      assert.deepEqual(await store.read.selectFrom('counters').select('count').execute(), [{ count: 3 }])
    })

    test('says that a server which stops answering is unavailable, and goes on when it answers', async (t) => {
      const store = await client(t, await fresh())
      await addIsland(store, 'before')
      server.pause()
      try {
        await assert.rejects(store.read.selectFrom('islands').selectAll().execute(), StoreUnavailable.is)
        await assert.rejects(addIsland(store, 'during'), StoreUnavailable.is)
      } finally {
        server.resume()
      }
      await addIsland(store, 'after')
      assert.equal((await store.read.selectFrom('islands').select('id').execute()).length, 2)
    })

    test('cannot be opened where there is no server, or no such database', async (t) => {
      const nowhere = server.url.replace(/:\d+\//, ':1/')
      await assert.rejects(client(t, nowhere), StoreUnavailable.is)
      await assert.rejects(client(t, server.url.replace(/atoll$/, 'no_such')), StoreUnavailable.is)
    })

    test('uses the second of its servers when the first is not there', async (t) => {
      const url = (await fresh()).replace('127.0.0.1:', '127.0.0.1:1,127.0.0.1:')
      await addIsland(await client(t, url), 'one')
    })

    test('goes on with the sessions that it has when the server gives no more', async (t) => {
      await server.stop()
      await restart({ max_connections: '12' })
      t.after(async () => {
        await server.stop()
        await restart()
      })
      const url = await fresh()
      // Each would have sixteen.
      const stores = [await client(t, url), await client(t, url)]
      const names = Array.from({ length: 60 }, (_, index) => `island-${index}`)
      const [first, second] = stores
      assert.ok(first && second)
      await Promise.all(
        names.map(async (name, index) => {
          const [writer, reader] = index % 2 === 0 ? [first, second] : [second, first]
          await addIsland(writer, name)
          assert.ok(
            await reader.read.selectFrom('islands').select('id').where('id', '=', name).executeTakeFirst(),
          )
        }),
      )
    })

    test('says at its opening which setting of the server would lose commits', async (t) => {
      const url = await fresh()
      await server.stop()
      await restart(weak)
      const lines: string[] = []
      const log = { ...silentLogger, warn: (_: object, line = '') => void lines.push(line) }
      try {
        await client(t, url, log)
      } finally {
        await server.stop()
        await restart()
      }
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', /innodb_flush_log_at_trx_commit=1|synchronous_commit = on/)
      await client(t, url, log)
      assert.equal(lines.length, 1)
    })

    test('says that a server takes no writes, and writes when it does', async (t) => {
      const url = await fresh()
      const database = url.split('/').at(-1)
      // Sessions that there are keep the setting that they began with.
      const [stop, go, end] =
        name === 'PostgreSQL'
          ? [
              `alter database ${database} set default_transaction_read_only = on`,
              `alter database ${database} reset all`,
              `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
            ]
          : ['set global tx_read_only = 1', 'set global tx_read_only = 0', 'kill user atoll']
      const store = await client(t, url)
      await server.execute(stop)
      try {
        await server.execute(end)
        await assert.rejects(addIsland(store, 'during'), StoreReadOnly.is)
        assert.deepEqual(await store.read.selectFrom('islands').selectAll().execute(), [])
      } finally {
        await server.execute(go)
      }
      await server.execute(end)
      await addIsland(store, 'after')
    })
  })
