/**
 * A load generator as a process of its own, so that its work is not counted as the server's: so many clients, each with
 * one connection that it keeps, each sending its next request when the last one was answered. Runs as
 * `node closed-loop.ts`, is told what to do by one message and answers with one.
 */

import { Agent, request } from 'node:http'

export interface ClosedLoopRequest {
  readonly method: 'GET' | 'POST'
  /** After the client's address. */
  readonly path: string
  readonly body?: string
  /** Any other is a failure. */
  readonly statusExpected: number
}

export interface ClosedLoopTask {
  /** Addresses of the API that the clients are spread over. */
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Sent as they are, in turn. */
  readonly requests: readonly ClosedLoopRequest[]
  /** How many are sent in all; clients take the next one each. */
  readonly count: number
  readonly clients: number
  readonly timeoutMs?: number
}

export interface ClosedLoopResult {
  readonly durationMs: number
  /** Of each request that succeeded, ascending. */
  readonly latenciesMs: readonly number[]
  readonly failed: number
  /** What the first failure said. */
  readonly firstFailure: string | null
}

async function run(task: ClosedLoopTask): Promise<ClosedLoopResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: task.clients })
  const latenciesMs: number[] = []
  let [sent, failed] = [0, 0]
  let firstFailure: string | null = null
  const client = async (url: string) => {
    while (sent < task.count) {
      const next = task.requests[sent % task.requests.length]
      if (next === undefined) return
      sent++
      const startedMs = performance.now()
      const failure = await send({ agent, url, next }, task)
      if (failure === null) latenciesMs.push(performance.now() - startedMs)
      else {
        failed++
        firstFailure ??= failure
      }
    }
  }
  const startedMs = performance.now()
  await Promise.all(
    Array.from({ length: task.clients }, (_, index) => client(task.urls[index % task.urls.length] ?? '')),
  )
  const durationMs = performance.now() - startedMs
  agent.destroy()
  return { durationMs, latenciesMs: latenciesMs.sort((left, right) => left - right), failed, firstFailure }
}

/** Null when it succeeded, else what went wrong. */
function send(
  { agent, url, next }: { agent: Agent; url: string; next: ClosedLoopRequest },
  { headers, timeoutMs = 30_000 }: ClosedLoopTask,
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
  void run(task as ClosedLoopTask).then((result) => process.send?.(result, () => process.disconnect()))
})
