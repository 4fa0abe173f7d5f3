/**
 * One run from one seed: time, chance, and a loop that lets one event happen, waits until the process is at rest, and
 * then looks whether everything still holds.
 */

import { assert, type Random, seededRandom } from '@atoll/kit'
import { forbidTimers } from './forbid-timers.ts'
import { comeToRest } from './rest.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { Trace } from './trace.ts'

export type Seed = number

/** A run in which something did not hold. Its message has what is needed to see it again. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed'
  readonly seed: Seed

  constructor({ seed, atMs, trace, cause }: { seed: Seed; atMs: number; trace: Trace; cause: unknown }) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const lines = trace.last.map((line) => `  ${line}`).join('\n')
    super(`SEED=${seed} failed at ${atMs.toFixed(1)} ms: ${reason}\n${lines}`, { cause })
    this.seed = seed
  }
}

export class Simulation {
  readonly seed: Seed
  readonly clock = new SimulatedClock()
  readonly trace: Trace
  /** Called after each event, when the process is at rest; throws when something does not hold. */
  check: () => void | Promise<void> = () => {}
  #events = 0
  #crash: unknown

  constructor(seed: Seed, trace: Trace = new Trace()) {
    this.seed = seed
    this.trace = trace
  }

  /** How many events have happened. */
  get events(): number {
    return this.#events
  }

  /** Chance for one purpose: its stream does not shift when another purpose draws more or less. */
  random(purpose: string): Random {
    return seededRandom(`${this.seed}/${purpose}`)
  }

  /** Adds a line with the time to the trace. */
  note(line: string, ...unread: readonly (string | Uint8Array)[]): void {
    this.trace.add(`${this.clock.monotonicMs().toFixed(3)} ${line}`, ...unread)
  }

  /**
   * Runs `scenario` in this world. Real timers throw meanwhile, and a promise that is rejected with nobody listening
   * fails the run. @throws SimulationFailed
   */
  async run<Result>(scenario: () => Promise<Result>): Promise<Result> {
    const allowTimers = forbidTimers()
    const stopListening = onUnheardRejection((error) => {
      this.#crash ??= error
    })
    try {
      return await scenario()
    } catch (cause) {
      throw new SimulationFailed({
        seed: this.seed,
        atMs: this.clock.monotonicMs(),
        trace: this.trace,
        cause,
      })
    } finally {
      stopListening()
      allowTimers()
    }
  }

  /** Lets events happen until `work` is done, and answers with its result. */
  async finish<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false
    const end = () => {
      isDone = true
    }
    work.then(end, end)
    await this.#rest()
    while (!isDone) assert(await this.#step(), 'nothing is left to happen, and the work is not done')
    return work
  }

  /** Lets events happen for `durationMs`. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + durationMs
    await this.#rest()
    for (let next = this.clock.nextAtMs; next !== undefined && next <= untilMs; next = this.clock.nextAtMs)
      await this.#step()
    this.clock.advanceTo(untilMs)
  }

  async #step(): Promise<boolean> {
    if (!this.clock.fireNext()) return false
    this.#events++
    await this.#rest()
    await this.check()
    return true
  }

  async #rest(): Promise<void> {
    await comeToRest()
    if (this.#crash !== undefined) throw this.#crash
  }
}

/** Hears of them instead of whoever did so far: a runner of tests would blame the test, without the seed. */
function onUnheardRejection(listener: (error: unknown) => void): () => void {
  const others = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[]
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', listener)
  return () => {
    process.off('unhandledRejection', listener)
    for (const other of others) process.on('unhandledRejection', other)
  }
}
