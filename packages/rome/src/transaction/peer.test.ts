import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { get, scan, set } from '../conformance/raw-statements.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { Peer, type PeerOptions } from './peer.ts'

function openPeer(
  t: TestContext,
  options: Partial<PeerOptions> & { database?: MemoryDatabase; name?: string } = {},
) {
  const { database = new MemoryDatabase(), name = 'peer', ...rest } = options
  const store = memoryStore({ database })
  const peer = new Peer({ store, clock: systemClock, random: seededRandom(name), ...rest })
  t.after(() => peer.close())
  return peer
}

function openTwo(t: TestContext): [Peer, Peer] {
  const database = new MemoryDatabase()
  return [openPeer(t, { database, name: 'one' }), openPeer(t, { database, name: 'two' })]
}

suite('a transaction', () => {
  test('is seen by itself at once, and by readers when it is durable', async (t) => {
    const peer = openPeer(t)
    const seen = await peer.transaction(async (scope) => {
      await scope.run(set('t', 'a', '1'))
      return scope.run(get('t', 'a'))
    })
    assert.equal(seen, '1')
    assert.equal(await peer.read(get('t', 'a')), '1')
  })

  test('that fails writes nothing, and leaves its neighbours alone', async (t) => {
    const peer = openPeer(t)
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((key) =>
        peer.transaction(async (scope) => {
          await scope.run(set('t', key, 'v'))
          if (key === 'b') throw new Error('no')
        }),
      ),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await peer.read(scan('t', '', 'z')), [
      ['a', 'v'],
      ['c', 'v'],
    ])
    assert.equal(peer.statistics.commits, 1)
  })

  test('that waits for the world is refused, and what it does later too', async (t) => {
    const peer = openPeer(t)
    let late: Promise<unknown> = Promise.resolve()
    const waiting = peer.transaction(async (scope) => {
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      late = scope.run(set('t', 'a', 'late'))
      await late
    })
    await assert.rejects(waiting, /waited for something other than the store/)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    await assert.rejects(late, /has ended/)
    assert.equal(await peer.read(get('t', 'a')), undefined)
  })

  test('sixty-four that add to one counter are one commit, without a conflict', async (t) => {
    const peer = openPeer(t)
    await peer.transaction((scope) => scope.run(set('t', 'sum', '0')))
    const before = { ...peer.statistics }
    await Promise.all(
      Array.from({ length: 64 }, () =>
        peer.transaction(async (scope) => {
          const sum = Number(await scope.run(get('t', 'sum')))
          await scope.run(set('t', 'sum', String(sum + 1)))
        }),
      ),
    )
    assert.equal(await peer.read(get('t', 'sum')), '64')
    assert.equal(peer.statistics.commits - before.commits, 1)
    assert.equal(peer.statistics.conflicts, 0)
  })

  test('of two peers that add to one counter none is lost', async (t) => {
    const peers = openTwo(t)
    const add = (peer: Peer) =>
      peer.transaction(async (scope) => {
        const sum = Number((await scope.run(get('t', 'sum'))) ?? 0)
        await scope.run(set('t', 'sum', String(sum + 1)))
      })
    await Promise.all(Array.from({ length: 40 }, (_, index) => add(peers[index % 2] as Peer)))
    assert.equal(await peers[0].read(get('t', 'sum')), '40')
    assert.ok(peers[0].statistics.conflicts + peers[1].statistics.conflicts > 0)
  })

  test('that lacks something runs again when all of it was brought in one round trip', async (t) => {
    const [writer, peer] = openTwo(t)
    await writer.transaction(async (scope) => {
      for (const key of ['a', 'b', 'c']) await scope.run(set('t', key, key))
    })
    let runs = 0
    const values = await peer.transaction((scope) => {
      runs++
      return Promise.all(['a', 'b', 'c', 'd'].map((key) => scope.run(get('t', key))))
    })
    assert.deepEqual(values, ['a', 'b', 'c', undefined])
    assert.equal(runs, 2)
    assert.equal(peer.statistics.misses, 1)
  })

  test('that inserts needs one round trip, although it does not know that there is nothing yet', async (t) => {
    const peer = openPeer(t)
    await peer.read(get('t', 'other'))
    const before = { ...peer.statistics }
    await peer.transaction(async (scope) => {
      for (const key of ['a', 'b', 'c']) {
        assert.equal(await scope.run(get('t', key), { expectsNothing: true }), undefined)
        await scope.run(set('t', key, 'v'))
      }
    })
    assert.equal(peer.statistics.looks - before.looks, 0)
    assert.equal(peer.statistics.commits - before.commits, 1)
  })

  test('that took for absent what is there runs again, and knows it then', async (t) => {
    const [one, two] = openTwo(t)
    await one.transaction((scope) => scope.run(set('t', 'a', 'theirs')))
    const seen: unknown[] = []
    const insert = two.transaction(async (scope) => {
      const found = await scope.run(get('t', 'a'), { expectsNothing: true })
      seen.push(found)
      if (found !== undefined) throw new Error('taken')
      await scope.run(set('t', 'a', 'mine'))
    })
    await assert.rejects(insert, /taken/)
    assert.deepEqual(seen, [undefined, 'theirs'])
    assert.equal(await two.read(get('t', 'a')), 'theirs')
  })

  test('that lacks several things one after the other has them brought in one round trip', async (t) => {
    const [one, two] = openTwo(t)
    await one.transaction((scope) => scope.run(set('t', 'b', '1')))
    await two.read(get('t', 'other'))
    const before = { ...two.statistics }
    await two.transaction(async (scope) => {
      for (const key of ['a', 'b', 'c', 'd']) await scope.run(get('t', key))
      await scope.run(set('t', 'e', 'v'))
    })
    assert.equal(two.statistics.looks - before.looks, 1)
  })

  test('that failed by what is old runs again, and then its failure counts', async (t) => {
    const [one, two] = openTwo(t)
    const insert = (peer: Peer) =>
      peer.transaction(async (scope) => {
        if ((await scope.run(get('t', 'a'))) !== undefined) throw new Error('taken')
        await scope.run(set('t', 'a', 'mine'))
      })
    await insert(one)
    await assert.rejects(insert(two), /taken/)
    await two.transaction((scope) => scope.run(set('t', 'a', null)))
    await insert(one)
    await assert.rejects(insert(two), /taken/)
  })

  test('that only reads sees what was committed before it began', async (t) => {
    const [one, two] = openTwo(t)
    const read = () => two.transaction((scope) => scope.run(get('t', 'a')))
    assert.equal(await read(), undefined)
    for (const value of ['1', '2', '3']) {
      await one.transaction((scope) => scope.run(set('t', 'a', value)))
      assert.equal(await read(), value)
    }
  })

  test('sees its own writes merged into ranges, whichever way they are walked', async (t) => {
    const peer = openPeer(t)
    await peer.transaction(async (scope) => {
      for (const key of ['b', 'd', 'f', 'h']) await scope.run(set('t', key, 'old'))
    })
    await peer.transaction(async (scope) => {
      await scope.run(set('t', 'a', 'new'))
      await scope.run(set('t', 'd', null))
      await scope.run(set('t', 'f', 'newer'))
      assert.deepEqual(await scope.run(scan('t', 'a', 'h')), [
        ['a', 'new'],
        ['b', 'old'],
        ['f', 'newer'],
      ])
      const keys = async (rest: object) => (await scope.run(scan('t', 'a', 'h', rest))).map(([key]) => key)
      assert.deepEqual(await keys({ isReversed: true, limit: 2 }), ['f', 'b'])
      assert.deepEqual(await keys({ limit: 2 }), ['a', 'b'])
      assert.deepEqual(await keys({ limit: 1, isReversed: true }), ['f'])
    })
  })
})

suite('a session', () => {
  test('asks the store once for what it knows already', async (t) => {
    const peer = openPeer(t)
    await peer.transaction((scope) => scope.run(set('t', 'a', '1')))
    const before = peer.statistics.looks
    await peer.session(async () => {
      for (let times = 0; times < 5; times++) await peer.read(get('t', 'a'))
    })
    assert.equal(peer.statistics.looks - before, 1)
    assert.equal(peer.statistics.sessionRoundTripsMax, 1)
  })

  test('reads what it has written, without a further question', async (t) => {
    const peer = openPeer(t)
    await peer.session(async () => {
      await peer.transaction((scope) => scope.run(set('t', 'a', '1')))
      const before = peer.statistics.looks
      assert.equal(await peer.read(get('t', 'a')), '1')
      assert.equal(peer.statistics.looks, before)
    })
  })
})

suite('a session with transactions', () => {
  test('that only read asks the store once', async (t) => {
    const [one, two] = openTwo(t)
    await one.transaction((scope) => scope.run(set('t', 'a', '1')))
    await two.session(async () => {
      for (let times = 0; times < 5; times++)
        assert.equal(await two.transaction((scope) => scope.run(get('t', 'a'))), '1')
      assert.equal(await two.read(get('t', 'a')), '1')
    })
    assert.equal(two.statistics.sessionRoundTripsMax, 2)
  })

  test('counts an answer for which several reads wait once', async (t) => {
    const peer = openPeer(t)
    await peer.session(() => Promise.all(['a', 'b', 'c'].map((key) => peer.read(get('t', key)))))
    assert.equal(peer.statistics.sessionRoundTrips, 1)
  })
})

suite('a peer', () => {
  test('tells of the commits of others, and not of its own', async (t) => {
    const [one, two] = openTwo(t)
    const heard: string[] = []
    two.onForeignCommit((changes) => heard.push(...changes.map(({ id }) => id)))
    const write = (peer: Peer, key: string) =>
      peer.transaction(async (scope) => {
        await scope.run(set('t', key, 'v'))
        scope.announce([{ table: 't', id: key }])
      })
    await write(two, 'own')
    await write(one, 'foreign')
    await two.read(get('t', 'a'))
    assert.deepEqual(heard, ['foreign'])
  })

  test('hears of others while it asks for nothing', async (t) => {
    const [one, two] = openTwo(t)
    const heard = new Promise((resolve) => two.onForeignCommit(resolve))
    await two.read(get('t', 'a'))
    await one.transaction(async (scope) => {
      await scope.run(set('t', 'a', 'v'))
      scope.announce([{ table: 't', id: 'a' }])
    })
    assert.deepEqual(await heard, [{ table: 't', id: 'a' }])
  })

  test('with a small cache answers right, and keeps it small', async (t) => {
    const database = new MemoryDatabase()
    const writer = openPeer(t, { database, name: 'writer' })
    const peer = openPeer(t, { database, name: 'small', cacheBytesMax: 40_000 })
    const keys = Array.from({ length: 500 }, (_, index) => `${index}`.padStart(4, '0'))
    await writer.transaction(async (scope) => {
      for (const key of keys) await scope.run(set('t', key, `value ${key}`))
    })
    for (const from of [0, 100, 50, 450, 200, 0]) {
      const [first = '', last = ''] = [keys[from], keys[from + 40]]
      const found = await peer.read(scan('t', first, last === '' ? 'z' : last))
      assert.deepEqual(
        found.map(([key]) => key),
        keys.slice(from, from + 40 > 499 ? 500 : from + 40),
      )
    }
    await peer.transaction(async (scope) => {
      await scope.run(set('t', '0000', 'changed'))
    })
    assert.deepEqual((await peer.read(scan('t', '0000', '0001')))[0], ['0000', 'changed'])
  })
})

suite('a transaction that its user ends', () => {
  test('reads its writes, waits for what it lacks, and commits', async (t) => {
    const [one, two] = openTwo(t)
    await one.transaction((scope) => scope.run(set('t', 'a', '1')))
    const transaction = two.begin()
    assert.equal(await transaction.run(get('t', 'a')), '1')
    await transaction.run(set('t', 'b', '2'))
    assert.equal(await transaction.run(get('t', 'b')), '2')
    assert.equal(await one.read(get('t', 'b')), undefined)
    await transaction.commit()
    assert.equal(await one.read(get('t', 'b')), '2')
  })

  test('goes back to a savepoint, and to the one before', async (t) => {
    const peer = openPeer(t)
    const transaction = peer.begin()
    await transaction.run(set('t', 'a', '1'))
    await transaction.savepoint('first')
    await transaction.run(set('t', 'b', '2'))
    await transaction.savepoint('second')
    await transaction.run(set('t', 'a', null))
    await transaction.rollBackToSavepoint('second')
    assert.deepEqual((await transaction.run(scan('t', '', 'z'))).length, 2)
    await transaction.rollBackToSavepoint('first')
    transaction.releaseSavepoint('first')
    await transaction.commit()
    assert.deepEqual(await peer.read(scan('t', '', 'z')), [['a', '1']])
  })

  test('is refused when somebody changed what it read', async (t) => {
    const [one, two] = openTwo(t)
    const transaction = one.begin()
    await transaction.run(scan('t', 'a', 'z'))
    await two.transaction((scope) => scope.run(set('t', 'phantom', '1')))
    await transaction.run(set('u', 'x', '1'))
    await assert.rejects(transaction.commit(), { code: 'rome.transaction.conflict' })
    assert.equal(await one.read(get('u', 'x')), undefined)
  })
})
