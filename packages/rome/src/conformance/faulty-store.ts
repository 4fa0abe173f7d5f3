/** A client of a store to which things happen: requests and answers are lost or late, and the client dies. */

import { OutcomeUnknown, StoreUnavailable } from '../errors.ts'
import type { Commit, KeyValueStore, Look } from '../stores/key-value/key-value-store.ts'

/**
 * What happens to one call. A commit whose answer is lost was done; one that is refused was not; one that is late is done when
 * its caller has long been told that nobody knows. After it died, a client says nothing more, nor hears anything.
 */
export type Fate = 'fine' | 'refused' | 'lost' | 'answer lost' | 'late' | 'dies before' | 'dies after'

export interface FaultyStoreOptions {
  readonly store: KeyValueStore
  /** Called for each look and commit with how many there were before. */
  readonly fate: (call: { readonly kind: 'look' | 'commit'; readonly count: number }) => Fate
  /** Passes the time between a call and its deed, and between the deed and its answer. */
  readonly turn?: () => Promise<void>
}

export interface FaultyStore extends KeyValueStore {
  /** Resolves when the client dies. */
  readonly died: Promise<void>
  /** How many calls there were. */
  calls(): number
}

export function faultyStore({
  store,
  fate,
  turn = () => Promise.resolve(),
}: FaultyStoreOptions): FaultyStore {
  let calls = 0
  let isDead = false
  let tellDeath = () => {}
  const died = new Promise<void>((resolve) => {
    tellDeath = resolve
  })
  const die = (): Promise<never> => {
    isDead = true
    tellDeath()
    return new Promise(() => {})
  }
  const call = async <Result>(kind: 'look' | 'commit', deed: () => Promise<Result>): Promise<Result> => {
    if (isDead) return die()
    const fails = (wasSent: boolean) =>
      kind === 'commit' && wasSent
        ? OutcomeUnknown({ store: store.description })
        : StoreUnavailable({ path: store.description, reason: 'the request was lost.' })
    const fated = fate({ kind, count: calls++ })
    if (fated === 'dies before') return die()
    await turn()
    if (isDead) return die()
    if (fated === 'refused') throw fails(false)
    if (fated === 'lost') throw fails(true)
    if (fated === 'late') {
      void turn()
        .then(deed)
        .catch(() => undefined)
      throw fails(true)
    }
    const result = await deed()
    if (fated === 'dies after') return die()
    await turn()
    if (isDead) return die()
    if (fated === 'answer lost') throw fails(true)
    return result
  }
  return {
    description: store.description,
    limits: store.limits,
    looksForAbsence: store.looksForAbsence ?? false,
    died,
    calls: () => calls,
    look: (look: Look) => call('look', () => store.look(look)),
    commit: (commit: Commit) => call('commit', () => store.commit(commit)),
    watch: async (position, signal) => {
      await store.watch(position, signal)
      await (isDead ? die() : turn())
    },
    close: () => store.close(),
  }
}
