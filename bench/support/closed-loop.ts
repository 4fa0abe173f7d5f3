/**
 * A load generator as a process of its own, so that its work is not counted as the server's: so many clients, each with
 * one connection that it keeps, each sending its next request when the last one was answered. Runs as
 * `node closed-loop.ts`, is told what to do by one message and answers with one.
 */

import { Agent, request } from 'node:http'

export interface ClosedLoopTask {
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** Sent as they are, in turn. */
  readonly bodies: readonly string[]
  /** In all; clients take the next one each. */
  readonly requests: number
  readonly clients: number
  /** Any other is a failure. */
  readonly statusExpected: number
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
    while (sent < task.requests) {
      const body = task.bodies[sent % task.bodies.length] ?? ''
      sent++
      const startedMs = performance.now()
      const failure = await send({ agent, url, body }, task)
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
  { agent, url, body }: { agent: Agent; url: string; body: string },
  { headers, statusExpected }: ClosedLoopTask,
) {
  return new Promise<string | null>((resolve) => {
    const length = String(Buffer.byteLength(body))
    const outgoing = request(
      url,
      { method: 'POST', agent, headers: { ...headers, 'content-length': length }, timeout: 30_000 },
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
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 30 s')))
    outgoing.on('error', ({ message }) => resolve(message))
    outgoing.end(body)
  })
}

process.once('message', (task) => {
  void run(task as ClosedLoopTask).then((result) => process.send?.(result, () => process.disconnect()))
})
