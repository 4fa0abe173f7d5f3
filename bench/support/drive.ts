/** Starts the load generator and hands over its result. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadResult, LoadTask } from './load-generator.ts'

export function drive(task: LoadTask): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./load-generator.ts', import.meta.url)), {
      serialization: 'advanced',
    })
    child.once('message', (result) => resolve(result as LoadResult))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)))
    child.send(task)
  })
}

/** The value below which `share` of the ascending values lie (nearest rank). */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN
}
