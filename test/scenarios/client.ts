/** What a client sends, what it hears, and what it may conclude from that. */

export interface RequestOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly token?: string
  /** Bytes are sent as they are, anything else as JSON. */
  readonly body?: object | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export type Reply =
  /** The connection was lost: nobody can say whether the request was carried out. */
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: Readonly<Record<string, unknown>>
      readonly body: Buffer
    }

/** `unknown`: it may have been done, may be done later, or never. */
export type Outcome = 'done' | 'refused' | 'unknown'

/** What the client knows after a reply. A refusal promises that nothing was changed. */
export function outcomeOf(reply: Reply): Outcome {
  if (reply.kind === 'lost') return 'unknown'
  if (reply.status < 300) return 'done'
  return reply.status < 500 || /Nothing was changed/.test(reply.body.toString()) ? 'refused' : 'unknown'
}

export type Json = Readonly<Record<string, unknown>>

/** The JSON of an answer; an empty object for one without a body. */
export function jsonOf(reply: Reply): Json {
  return reply.kind === 'lost' || reply.body.length === 0 ? {} : (JSON.parse(reply.body.toString()) as Json)
}

/** The body as text, for messages. */
export function bodyText(reply: Reply): string {
  return reply.kind === 'lost' ? 'the connection was lost' : reply.body.toString().slice(0, 500)
}

/** The object of a name in an answer: `server` of `{"server": {…}}`. */
export function objectIn(reply: Reply, name: string): Json {
  return (jsonOf(reply)[name] ?? {}) as Json
}

/** The list of a name in an answer. */
export function listIn(reply: Reply, name: string): readonly Json[] {
  return (jsonOf(reply)[name] ?? []) as readonly Json[]
}

/**
 * @throws Error unless the reply is one that a client can make sense of: JSON where there is a body, a message in the
 * form of its service where there is an error, and of the errors of a server only a 503 that says what to think
 */
export function checkReply(reply: Reply, what: string): void {
  if (reply.kind === 'lost') return
  const { status, headers, body } = reply
  const fail = (problem: string): never => {
    throw new Error(`${what} was answered ${status}: ${problem}: ${body.toString().slice(0, 500)}`)
  }
  if (status < 200 || (status >= 300 && status < 400)) fail('no such status is documented')
  if (status >= 500 && status !== 503) fail('this is a bug of the cloud')
  if (!/^req-[0-9a-f-]{36}$/.test(String(headers['x-openstack-request-id']))) fail('there is no request id')
  if (status < 400) return
  const message = messageOf(reply)
  if (message === undefined || message === '') fail('there is no message where the client looks for it')
}

/** Where each family of services has the message of an error. */
function messageOf(reply: Reply): string | undefined {
  try {
    const json = jsonOf(reply)
    if (typeof json.message === 'string') return json.message
    const [fault] = Object.values(json) as Partial<Json>[]
    return typeof fault?.message === 'string' ? fault.message : undefined
  } catch {
    return undefined
  }
}
