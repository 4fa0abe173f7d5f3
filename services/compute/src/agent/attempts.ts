/**
 * How often a server's wish is tried, and when it is given up. Kept in memory, one entry for each server of these
 * hosts: a new process starts counting anew.
 */

import { StaleFence } from '@atoll/hypervisor'
import { AtollError, type Clock } from '@atoll/kit'
import { NotHome } from '@atoll/state'

/** After 1, 2, 4 … s; never less often than once a minute, so that what heals is used soon. */
const PAUSE_MS = 1_000
const PAUSE_MS_MAX = 60_000
/** What nobody can explain is tried so often: it may be an accident, and the owner waits for an answer. */
const ATTEMPTS_MAX = 4
/**
 * What passes by itself (an image at a site that is cut off, a port that is not wired yet) is waited for so long. Longer:
 * fewer servers fail when a WAN is down for a while; shorter: their owners learn sooner that something is wrong.
 */
export const PATIENCE_MS = 600_000
/** A guest that ran so long was started well; one that ends sooner is started again ever more slowly. */
const STABLE_MS = 120_000

export interface Verdict {
  readonly failures: number
  /** When it is tried again, if it still is to be. */
  readonly pauseMs: number
  /** The owner should know. */
  readonly isGivenUp: boolean
}

interface Entry {
  readonly wish: string
  readonly failures: number
  readonly failingSinceMs: number
  /** When it last worked. */
  readonly workedMs: number
  /** How often it came undone soon after it had worked. */
  readonly undone: number
  readonly dueMs: number
}

export class Attempts {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long this wish of the server must wait; 0: it may be tried now, as every new wish. */
  waitMs(id: string, wish: string): number {
    return Math.max(0, this.#find(id, wish).dueMs - this.#clock.monotonicMs())
  }

  failed(id: string, wish: string, error: unknown): Verdict {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#find(id, wish)
    const failures = before.failures + 1
    const failingSinceMs = before.failures === 0 ? nowMs : before.failingSinceMs
    const pauseMs = pauseAfter(failures)
    this.#entries.set(id, { ...before, failures, failingSinceMs, dueMs: nowMs + pauseMs })
    return { failures, pauseMs, isGivenUp: isHopeless(error, failures, nowMs - failingSinceMs) }
  }

  /** The wish came true. When it comes undone soon and is tried again, the try after that one has to wait. */
  worked(id: string, wish: string): void {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#find(id, wish)
    const undone = nowMs - before.workedMs < STABLE_MS ? before.undone + 1 : 0
    const dueMs = undone === 0 ? nowMs : nowMs + pauseAfter(undone)
    this.#entries.set(id, { wish, failures: 0, failingSinceMs: 0, workedMs: nowMs, undone, dueMs })
  }

  /** Something for the wish was done that does not come undone. */
  passed(id: string, wish: string): void {
    const before = this.#find(id, wish)
    if (before.failures > 0) this.#entries.set(id, { ...before, failures: 0 })
  }

  forget(id: string): void {
    this.#entries.delete(id)
  }

  #find(id: string, wish: string): Entry {
    const entry = this.#entries.get(id)
    return entry?.wish === wish ? entry : { ...UNTRIED, wish }
  }
}

const UNTRIED = Object.freeze({
  failures: 0,
  failingSinceMs: 0,
  workedMs: Number.NEGATIVE_INFINITY,
  undone: 0,
  dueMs: Number.NEGATIVE_INFINITY,
})

function pauseAfter(times: number): number {
  return Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (times - 1))
}

function isHopeless(error: unknown, failures: number, failingMs: number): boolean {
  if (isFinal(error)) return true
  return isPassing(error) ? failingMs >= PATIENCE_MS : failures >= ATTEMPTS_MAX
}

/** Trying again gives the same: something that was asked for is wrong, or is not there any more. */
function isFinal(error: unknown): boolean {
  return StaleFence.is(error) || (error instanceof AtollError && [400, 403, 404, 410].includes(error.status))
}

/** Something else must come back first. */
function isPassing(error: unknown): boolean {
  return NotHome.is(error) || (error instanceof AtollError && [429, 503].includes(error.status))
}
