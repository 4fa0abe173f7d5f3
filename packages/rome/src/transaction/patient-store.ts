/**
 * A store that is asked again while it cannot be reached, and for an answer that was lost, for a bounded time. What it
 * throws in the end is what a caller may show: nothing was written, or nobody knows.
 */

import { type Clock, fraction, type Random, sleep } from '@atoll/kit'
import { OutcomeUnknown, StoreUnavailable } from '../errors.ts'
import type { Commit, CommitOutcome, KeyValueStore } from '../stores/key-value/key-value-store.ts'

export interface PatienceOptions {
  readonly clock: Clock
  readonly random: Random
  /** How long one answer may take. Longer than a failover of the store, or each one costs requests. */
  readonly answerMsMax: number
  /** How long one call may go on asking again; the caller waits for `patienceMs + answerMsMax` at most. */
  readonly patienceMs: number
}

/** Pauses between two askings grow to this, with full jitter. */
const PAUSE_MS = 10
const PAUSE_MS_MAX = 500

export function patientStore(store: KeyValueStore, options: PatienceOptions): KeyValueStore {
  const { description, limits, looksForAbsence = false } = store
  const closing = new AbortController()
  const silence = () => StoreUnavailable({ path: description, reason: 'it does not answer.' })
  const waiting: Waiting = new Set()
  const again = <Result>(ask: () => Promise<Result>, isWorthIt: (error: unknown) => boolean) =>
    askAgain({ ...options, signal: closing.signal, ask, isWorthIt })
  return {
    description,
    limits,
    looksForAbsence,
    look: (look) => again(() => within(store.look(look), silence), StoreUnavailable.is),
    commit: (commit) => commitPatiently(commit),
    watch: (position, signal) => store.watch(position, signal),
    close: () => {
      closing.abort()
      for (const giveUp of [...waiting]) giveUp()
      return store.close()
    },
  }

  // The answer, or what `late` says when it has not come in time, or before the end.
  function within<Result>(answer: Promise<Result>, late: () => unknown): Promise<Result> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        settle()
        reject(late())
      }
      const cancel = options.clock.after(options.answerMsMax, giveUp)
      const settle = () => {
        cancel()
        waiting.delete(giveUp)
      }
      waiting.add(giveUp)
      answer.then(
        (result) => {
          settle()
          resolve(result)
        },
        (error: unknown) => {
          settle()
          reject(error)
        },
      )
    })
  }

  async function commitPatiently(commit: Commit): Promise<CommitOutcome> {
    const unknown = (cause: unknown) => OutcomeUnknown({ store: description }, { cause })
    let lost: unknown
    const ask = async () => {
      try {
        return await within(store.commit(commit), () => unknown('no answer in time'))
      } catch (error) {
        if (OutcomeUnknown.is(error)) lost = error
        throw error
      }
    }
    try {
      const outcome = await again(ask, (error) => StoreUnavailable.is(error) || OutcomeUnknown.is(error))
      // A refusal by a store that has forgotten what was done before does not tell whether this was.
      if (lost !== undefined && outcome.kind !== 'committed' && outcome.entries === null) throw unknown(lost)
      return outcome
    } catch (error) {
      throw lost === undefined || OutcomeUnknown.is(error) ? error : unknown(error)
    }
  }
}

/** How to end each wait for an answer. */
type Waiting = Set<() => void>

interface Asking<Result> extends PatienceOptions {
  readonly signal: AbortSignal
  readonly ask: () => Promise<Result>
  readonly isWorthIt: (error: unknown) => boolean
}

async function askAgain<Result>(asking: Asking<Result>): Promise<Result> {
  const { clock, random, patienceMs, signal, ask, isWorthIt } = asking
  const startedMs = clock.monotonicMs()
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await ask()
    } catch (error) {
      const waitMs = fraction(random) * pauseMs
      const isOver = clock.monotonicMs() - startedMs + waitMs > patienceMs
      if (!isWorthIt(error) || isOver || signal.aborted) throw error
      await sleep(clock, waitMs, signal)
    }
  }
}
