import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { missingPackages } from '../ensure-packages.ts'
import { isRoot } from '../run-program.ts'
import { etcdPackages, startEtcd } from './etcd-server.ts'
import { startGalera } from './galera-cluster.ts'
import { mariadbPackages, startMariadb } from './mariadb-server.ts'
import { postgresqlPackages, startPostgresql } from './postgresql-server.ts'
import { loopbackHosts } from './server-host.ts'

const missing = isRoot()
  ? await missingPackages([...postgresqlPackages, ...mariadbPackages, ...etcdPackages])
  : []
const skip = !isRoot()
  ? 'needs root, to run servers as their own users'
  : missing.length > 0 && missing.join(' ')

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-store-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('servers of stores', { skip }, () => {
  test('PostgreSQL comes up, again in the directory where it was killed, and leaves no process', async (t) => {
    const directory = directoryOf(t)
    const first = await startPostgresql({ directory })
    await first.kill()
    const second = await startPostgresql({ directory, port: first.port })
    await second.stop()
    assert.equal(second.url, first.url)
    assert.deepEqual([isRunning(first.pid), isRunning(second.pid)], [false, false])
  })

  test('MariaDB comes up, again in the directory where it was killed, and leaves no process', async (t) => {
    const directory = directoryOf(t)
    const first = await startMariadb({ directory })
    await first.kill()
    const second = await startMariadb({ directory, port: first.port })
    await second.stop()
    assert.equal(second.url, first.url)
    assert.deepEqual([isRunning(first.pid), isRunning(second.pid)], [false, false])
  })

  test('three nodes of Galera come up, and one that was killed comes back', async (t) => {
    const cluster = await startGalera({ directory: directoryOf(t) })
    t.after(() => cluster.stop())
    await cluster.nodes[2]?.kill()
    await cluster.restart(2)
    assert.equal(cluster.nodes.length, 3)
  })

  test('three members of etcd come up with a leader, and one that was killed comes back', async (t) => {
    const cluster = await startEtcd({ directory: directoryOf(t), hosts: loopbackHosts(3) })
    t.after(() => cluster.stop())
    await cluster.members[0]?.kill()
    await cluster.restart(0)
    assert.match(cluster.url, /^etcd:\/\/127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/atoll$/)
  })
})
