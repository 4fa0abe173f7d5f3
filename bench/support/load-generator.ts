/**
 * A load generator as a process of its own, so that its work is not counted as the server's. Runs as
 * `node load-generator.ts`, is told what to do by one message and answers with one. Connections are kept.
 *
 * Closed loop: so many clients, each sending its next request when its last one was answered; whoever is slow is asked
 * less. Open loop: requests come at a steady rate whatever becomes of the others, as those of users do who know nothing of
 * each other, and count from when they were due: a server that stands still is slow for all who came meanwhile.
 */

import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'

export interface LoadRequest {
  readonly method: 'GET' | 'POST'
  /** After the client's address. */
  readonly path: string
  readonly body?: string
  /** Any other is a failure. */
  readonly statusExpected: number
}

export interface LoadTask {
  /** Addresses of the API that the clients are spread over. */
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Sent as they are, in turn. */
  readonly requests: readonly LoadRequest[]
  /** How many are sent in all; clients take the next one each. */
  readonly count: number
  /** The most that are under way at any time. */
  readonly clients: number
  /** Makes it an open loop: so many become due each second. */
  readonly ratePerSecond?: number
  readonly timeoutMs?: number
}

export interface LoadResult {
  readonly durationMs: number
  /** Of each request that succeeded, ascending. */
  readonly latenciesMs: readonly number[]
  readonly failed: number
  /** What the first failure said. */
  readonly firstFailure: string | null
}

async function run(task: LoadTask): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: task.clients })
  const latenciesMs: number[] = []
  let [sent, failed] = [0, 0]
  let firstFailure: string | null = null
  const beganMs = performance.now()
  /** When the next request is due; in a closed loop, now. */
  const due = async (index: number) => {
    if (task.ratePerSecond === undefined) return performance.now()
    const dueMs = beganMs + (index * 1000) / task.ratePerSecond
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await setTimeout(waitMs)
    return dueMs
  }
  const client = async (url: string) => {
    while (sent < task.count) {
      const next = task.requests[sent % task.requests.length]
      if (next === undefined) return
      const startedMs = await due(sent++)
      const failure = await send({ agent, url, next }, task)
      if (failure === null) latenciesMs.push(performance.now() - startedMs)
      else {
        failed++
        firstFailure ??= failure
      }
    }
  }
  await Promise.all(
    Array.from({ length: task.clients }, (_, index) => client(task.urls[index % task.urls.length] ?? '')),
  )
  const durationMs = performance.now() - beganMs
  agent.destroy()
  return { durationMs, latenciesMs: latenciesMs.sort((left, right) => left - right), failed, firstFailure }
}

/** Null when it succeeded, else what went wrong. */
function send(
  { agent, url, next }: { agent: Agent; url: string; next: LoadRequest },
  { headers, timeoutMs = 30_000 }: LoadTask,
) {
  const { method, path, body, statusExpected } = next
  return new Promise<string | null>((resolve) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const outgoing = request(
      `${url}${path}`,
      { method, agent, headers: { ...headers, ...length }, timeout: timeoutMs },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (piece: string) => {
          text += piece
        })
        incoming.on('end', () => {
          const { statusCode } = incoming
          resolve(statusCode === statusExpected ? null : `${statusCode} ${text.slice(0, 300)}`)
        })
        incoming.on('error', ({ message }) => resolve(message))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    outgoing.on('error', ({ message }) => resolve(message))
    outgoing.end(body)
  })
}

process.once('message', (task) => {
  void run(task as LoadTask).then((result) => process.send?.(result, () => process.disconnect()))
})
