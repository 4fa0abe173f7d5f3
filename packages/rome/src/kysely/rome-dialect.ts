/** ROME as a dialect of Kysely's: `new Kysely({ dialect: new RomeDialect({ store, tables }) })`. */

import { type Clock, type Random, systemClock, systemRandom } from '@atoll/kit'
import type { DatabaseIntrospector, Dialect, DialectAdapter, Driver, QueryCompiler } from 'kysely'
import type { Table } from '../schema/define-table.ts'
import { StoreCatalogue } from '../schema/store-catalogue.ts'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import { Peer } from '../transaction/peer.ts'
import { RomeAdapter } from './adapter.ts'
import { RomeIntrospector } from './introspector.ts'
import { RomeQueryCompiler } from './query-compiler.ts'
import { ensureTables, RomeDriver } from './rome-driver.ts'

export interface RomeDialectOptions {
  /** Closed with the Kysely that uses it. */
  readonly store: KeyValueStore
  /** Made, or brought up to this, before the first query. */
  readonly tables: readonly Table[]
  readonly clock?: Clock
  readonly random?: Random
  /** See `PeerOptions`. */
  readonly cacheBytesMax?: number
}

export class RomeDialect implements Dialect {
  readonly #options: RomeDialectOptions
  readonly #catalogue: StoreCatalogue

  constructor(options: RomeDialectOptions) {
    this.#options = options
    this.#catalogue = new StoreCatalogue(options.tables)
  }

  createDriver(): Driver {
    const { clock = systemClock, random = systemRandom, tables, ...rest } = this.#options
    const engine = { peer: new Peer({ clock, random, ...rest }), catalogue: this.#catalogue }
    return new RomeDriver({
      engine,
      onInit: () => ensureTables(tables, engine),
      onDestroy: () => engine.peer.close(),
    })
  }

  createQueryCompiler(): QueryCompiler {
    return new RomeQueryCompiler()
  }

  createAdapter(): DialectAdapter {
    return new RomeAdapter()
  }

  createIntrospector(): DatabaseIntrospector {
    return new RomeIntrospector(() => this.#catalogue.known())
  }
}
