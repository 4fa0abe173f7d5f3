/** Starts the load generator and hands over its result. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ClosedLoopResult, ClosedLoopTask } from './closed-loop.ts'

export function drive(task: ClosedLoopTask): Promise<ClosedLoopResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./closed-loop.ts', import.meta.url)), {
      serialization: 'advanced',
    })
    child.once('message', (result) => resolve(result as ClosedLoopResult))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)))
    child.send(task)
  })
}

/** The value below which `share` of the ascending values lie (nearest rank). */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN
}
