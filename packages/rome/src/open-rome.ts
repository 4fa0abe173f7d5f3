/** What services are given as their state, on a key/value store that several peers may share. */

import { assert } from '@atoll/kit'
import { type ConnectionProvider, type DatabaseConnection, DefaultQueryExecutor, Kysely } from 'kysely'
import { PROVISIONAL_FROM } from './keyspace/provisional.ts'
import { keyOfColumns } from './keyspace/row-keys.ts'
import { RomeAdapter } from './kysely/adapter.ts'
import { RomeIntrospector } from './kysely/introspector.ts'
import { RomeQueryCompiler } from './kysely/query-compiler.ts'
import { type Engine, ensureTables, RomeConnection, RomeDriver } from './kysely/rome-driver.ts'
import type { Table } from './schema/define-table.ts'
import { StoreCatalogue } from './schema/store-catalogue.ts'
import type { AnyTables, Queries, Store, Transaction } from './store.ts'
import type { Change } from './stores/key-value/key-value-store.ts'
import { Peer, type PeerOptions } from './transaction/peer.ts'
import type { StoreStatistics } from './transaction/statistics.ts'
import type { WorkScope } from './transaction/work-scope.ts'

/** A store on ROME also tells what it cost. */
export interface RomeStore extends Store {
  readonly statistics: Readonly<StoreStatistics>
}

/** `store` is closed with what this answers. */
export function openRome(options: PeerOptions): RomeStore {
  return new PeerStore(options)
}

class PeerStore implements RomeStore {
  readonly read: Queries
  readonly #engine: Engine
  readonly #queriesOf: (connection: DatabaseConnection) => Queries

  constructor(options: PeerOptions) {
    const catalogue = new StoreCatalogue([])
    this.#engine = { peer: new Peer(options), catalogue }
    this.#queriesOf = queriesOver(this.#engine)
    const { peer } = this.#engine
    this.read = this.#queriesOf(
      new RomeConnection(catalogue, { runner: { run: (statement) => peer.read(statement) } }),
    )
  }

  get description(): string {
    return this.#engine.peer.description
  }

  get roundTrips(): number {
    const { looks, commits } = this.statistics
    return looks + commits
  }

  get statistics(): Readonly<StoreStatistics> {
    return this.#engine.peer.statistics
  }

  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    return this.#engine.peer.transaction((scope) => work(this.#transactionOf(scope)))
  }

  session<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#engine.peer.session(work)
  }

  headNumber(): Promise<number> {
    return this.#engine.peer.headNumber()
  }

  onForeignCommit(listener: (changes: readonly Change[]) => void): () => void {
    return this.#engine.peer.onForeignCommit(listener)
  }

  ensureTables(tables: readonly Table[]): Promise<void> {
    return ensureTables(tables, this.#engine)
  }

  close(): Promise<void> {
    return this.#engine.peer.close()
  }

  #transactionOf(scope: WorkScope): Transaction {
    return {
      queries: this.#queriesOf(new RomeConnection(this.#engine.catalogue, { runner: scope })),
      nextNumber: async () => PROVISIONAL_FROM + scope.nextNumber(),
      assumeNew: (name, primaryKey) => {
        const table = this.#engine.catalogue.known().tables.get(name)
        assert(table, `${name} is a table`)
        scope.assumeAbsent(table.space, keyOfColumns(table, primaryKey))
      },
      announce: (changes) => scope.announce(changes),
    }
  }
}

// A Kysely for each transaction, which costs a microsecond: a query that outlives its transaction finds nobody else's.
function queriesOver(engine: Engine): (connection: DatabaseConnection) => Queries {
  const [compiler, adapter] = [new RomeQueryCompiler(), new RomeAdapter()]
  const driver = new StoreDriver({ engine })
  const dialect = {
    createDriver: () => driver,
    createQueryCompiler: () => compiler,
    createAdapter: () => adapter,
    createIntrospector: () => new RomeIntrospector(() => engine.catalogue.known()),
  }
  return (connection) => {
    const provider: ConnectionProvider = { provideConnection: (consumer) => consumer(connection) }
    const executor = new DefaultQueryExecutor(compiler, adapter, provider)
    return new Kysely<AnyTables>({ config: { dialect }, driver, dialect, executor })
  }
}

class StoreDriver extends RomeDriver {
  override async beginTransaction(): Promise<void> {
    assert(false, 'use Store.transaction: a transaction of Kysely would bypass the groups')
  }
}
