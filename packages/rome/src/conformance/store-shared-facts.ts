/** Several peers on one store. */

import assert from 'node:assert/strict'
import { defineTable } from '../schema/define-table.ts'
import type { Change } from '../stores/key-value/key-value-store.ts'
import { enlarge, idsOf, insert, insertNumbered, islands, type StoreFact } from './store-harness.ts'

export function sharedFacts(fact: StoreFact): void {
  fact('what one peer has committed, the next read of another sees', async ({ store, another }) => {
    const other = await another()
    for (const id of ['1', '2', '3']) {
      await insert(store, { id, name: id, area: 1 })
      assert.ok((await idsOf(other)).includes(id))
    }
  })

  fact('peers that add to one row at the same time all count', async ({ store, another }) => {
    const peers = [store, await another(), await another()]
    await insert(store, { id: '1', name: 'Motu', area: 0 })
    await Promise.all(
      peers.flatMap((peer) =>
        [1, 2, 3].map(async () => {
          for (let times = 0; times < 3; times++) await enlarge(peer)
        }),
      ),
    )
    const [row] = await store.read.selectFrom('islands').select('area').execute()
    assert.equal(row?.area, 27)
  })

  fact('of peers that insert the same name, one does', async ({ store, another }) => {
    const peers = [store, await another(), await another()]
    const outcomes = await Promise.allSettled(
      peers.map((peer, index) => insert(peer, { id: `${index}`, name: 'the same', area: 1 })),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await idsOf(store)).length, 1)
  })

  fact('a work that met a conflict is run again from its start', async ({ store, another }) => {
    const other = await another()
    await insert(store, { id: '1', name: 'Motu', area: 0 })
    await idsOf(other)
    const runs = { one: 0, two: 0 }
    const work = (peer: typeof store, name: 'one' | 'two') =>
      peer.transaction(async ({ queries }) => {
        runs[name]++
        const [row] = await queries.selectFrom('islands').select('area').where('id', '=', '1').execute()
        await queries
          .updateTable('islands')
          .set({ area: Number(row?.area) + 1 })
          .where('id', '=', '1')
          .execute()
      })
    for (let times = 0; times < 5; times++) await Promise.all([work(store, 'one'), work(other, 'two')])
    assert.ok(runs.one >= 5 && runs.two >= 5)
    const [row] = await store.read.selectFrom('islands').select('area').execute()
    assert.equal(row?.area, 10)
  })

  fact('numbers of several peers rise in one order', async ({ store, another }) => {
    const peers = [store, await another()]
    for (let round = 0; round < 3; round++)
      for (const [index, peer] of peers.entries()) await insertNumbered(peer, `${round}${index}`)
    const rows = await store.read.selectFrom('islands').select('id').orderBy('seq').execute()
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['00', '01', '10', '11', '20', '21'],
    )
  })

  fact('a peer is told of what others have changed, and not of its own', async ({ store, another }) => {
    const other = await another()
    const heard: Change[] = []
    const hasHeard = new Promise<void>((resolve) => {
      other.onForeignCommit((changes) => {
        heard.push(...changes)
        resolve()
      })
    })
    await insertNumbered(other, 'own')
    await insertNumbered(store, 'foreign')
    await hasHeard
    assert.deepEqual(heard, [{ table: 'islands', id: 'foreign' }])
  })

  fact('an index that one peer adds is kept by a peer that does not know it', async ({ store, another }) => {
    const other = await another()
    const newer = defineTable('islands', islands.columns, {
      primaryKey: ['id'],
      indexes: [['area'], ['area', 'name']],
      unique: [['name']],
    })
    await insert(other, { id: '1', name: 'a', area: 5 })
    await store.ensureTables([newer])
    await insert(other, { id: '2', name: 'b', area: 5 }, { id: '3', name: 'c', area: 5 })
    await other.transaction(({ queries }) => queries.deleteFrom('islands').where('id', '=', '2').execute())
    const rows = await store.read
      .selectFrom('islands')
      .select('id')
      .where('area', '=', 5)
      .where('name', '>', 'a')
      .orderBy('name')
      .execute()
    assert.deepEqual(rows, [{ id: '3' }])
  })
}
