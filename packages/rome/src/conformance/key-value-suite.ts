/** What every key/value store must do: each store's test calls this with a harness of its own. */

import { describe, test } from 'node:test'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import { commitFacts } from './key-value-commit-facts.ts'
import type { KeyValueHarness, MakeHarness } from './key-value-harness.ts'
import { lifeFacts } from './key-value-life-facts.ts'
import { lookFacts } from './key-value-look-facts.ts'
import { modelFacts } from './key-value-model-facts.ts'
import { numberFacts } from './key-value-number-facts.ts'

export interface FactStore {
  readonly store: KeyValueStore
  /** Another client of the same store, closed when the fact is told. */
  another(): Promise<KeyValueStore>
  readonly commitsRemembered: number
}

export type Fact = (name: string, body: (given: FactStore) => Promise<void>) => void

/** Registers the suite. `make` is called once for each fact, and answers with an empty store. */
export function keyValueSuite(kind: string, make: MakeHarness, skip: string | false = false): void {
  describe(`the ${kind} store`, { skip }, () => {
    const fact: Fact = (name, body) => {
      test(name, async () => {
        const harness = await make()
        const clients: KeyValueStore[] = []
        try {
          await body(await openAll(harness, clients))
        } finally {
          for (const client of clients) await client.close()
          await harness.close()
        }
      })
    }
    lookFacts(fact)
    commitFacts(fact)
    numberFacts(fact)
    lifeFacts(fact)
    modelFacts(fact)
  })
}

async function openAll(harness: KeyValueHarness, clients: KeyValueStore[]): Promise<FactStore> {
  const another = async () => {
    const client = await harness.open()
    clients.push(client)
    return client
  }
  return { store: await another(), another, commitsRemembered: harness.commitsRemembered }
}
