/** A client of a cluster that dies at one step, to be told by number: before the step, after it, or with it still under way. */

import type { RedisClusterOptions } from '@atoll/rome/redis-cluster'

type ScriptRunner = Parameters<NonNullable<RedisClusterOptions['wrapRunner']>>[0]

export type CrashKind =
  /** The command never leaves the client. */
  | 'before'
  /** It is carried out, and the answer is lost. */
  | 'after'
  /** It is carried out much later, when others have gone on. */
  | 'late'

export interface CrashPoint {
  /** Counted from 0, in the order in which the client sends its commands. */
  readonly step: number
  readonly kind: CrashKind
}

export interface CrashingRunner {
  readonly wrap: (runner: ScriptRunner) => ScriptRunner
  /** How many commands the client has sent, the one at which it died included. */
  readonly steps: number
  readonly hasCrashed: boolean
  /** Lets the command that was under way be carried out. */
  arrive(): Promise<void>
}

/** Counts from the moment of `arm`; without a crash point it only counts. */
export function crashingRunner(): CrashingRunner & { arm(point: CrashPoint | undefined): void } {
  let point: CrashPoint | undefined
  let isArmed = false
  let steps = 0
  let hasCrashed = false
  let arrival: (() => Promise<unknown>) | undefined
  const dead = () => new Error('this client is dead')
  const wrap = (runner: ScriptRunner): ScriptRunner => ({
    run: async (call) => {
      if (hasCrashed) throw dead()
      if (!isArmed) return runner.run(call)
      const step = steps++
      if (step !== point?.step) {
        const reply = await runner.run(call)
        // What comes to the dead changes nothing any more.
        if (hasCrashed) throw dead()
        return reply
      }
      hasCrashed = true
      if (point.kind === 'after') await runner.run(call)
      if (point.kind === 'late') arrival = () => runner.run(call)
      throw dead()
    },
  })
  return {
    wrap,
    arm: (next) => {
      point = next
      isArmed = true
    },
    get steps() {
      return steps
    },
    get hasCrashed() {
      return hasCrashed
    },
    arrive: async () => {
      await arrival?.()
    },
  }
}
