/** One client of one cloud: authenticates by password, finds services in the catalog, sends requests. */

import { RequestRefused, ServiceNotInCatalog, ServiceUnreachable } from './errors.ts'

export interface Credentials {
  /** Of the identity service, such as `http://192.0.2.7:8774/identity/v3`. */
  readonly authUrl: string
  readonly username: string
  readonly password: string
  readonly projectName: string
  /** Name of the domain of user and project. */
  readonly domainName?: string
}

export type ServiceType = 'identity' | 'image' | 'compute' | 'network'

export interface RequestOptions {
  /** Sent as JSON, unless it is bytes. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Nova's API version, such as `2.85`. */
  readonly microversion?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Reply<T> {
  readonly status: number
  readonly headers: Headers
  /** Undefined when the answer has no body. */
  readonly body: T
}

interface CatalogEntry {
  readonly type: string
  readonly endpoints: readonly { readonly interface: string; readonly url: string }[]
}

interface Session {
  readonly token: string
  readonly projectId: string
  readonly catalog: readonly CatalogEntry[]
}

const TIMEOUT_MS = 30_000

export class Connection {
  readonly #credentials: Credentials
  #session: Session

  private constructor(credentials: Credentials, session: Session) {
    this.#credentials = credentials
    this.#session = session
  }

  /** @throws RequestRefused for wrong credentials, ServiceUnreachable */
  static async open(credentials: Credentials): Promise<Connection> {
    return new Connection(credentials, await authenticate(credentials))
  }

  get token(): string {
    return this.#session.token
  }

  get projectId(): string {
    return this.#session.projectId
  }

  /** The public URL of a service, without a slash at its end. @throws ServiceNotInCatalog */
  endpoint(service: ServiceType): string {
    const entry = this.#session.catalog.find(({ type }) => type === service)
    const url = entry?.endpoints.find((endpoint) => endpoint.interface === 'public')?.url
    if (url === undefined) throw ServiceNotInCatalog({ service, authUrl: this.#credentials.authUrl })
    return url.replace(/\/+$/, '')
  }

  /**
   * Sends one request; authenticates anew, once, when the token is no longer taken.
   *
   * @param path below the endpoint, with the API's version: `/v2.1/servers`
   * @throws RequestRefused for any status from 400 on, ServiceUnreachable
   */
  async request<T>(
    service: ServiceType,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Reply<T>> {
    const url = `${this.endpoint(service).replace(/\/v\d+(\.\d+)?$/, '')}${path}`
    const first = await this.#send(method, url, options)
    if (first.status !== 401) return readReply<T>(method, url, first)
    await first.body?.cancel()
    this.#session = await authenticate(this.#credentials)
    return readReply<T>(method, url, await this.#send(method, url, options))
  }

  /** The body of a GET. */
  async get<T>(service: ServiceType, path: string, options: RequestOptions = {}): Promise<T> {
    return (await this.request<T>(service, 'GET', path, options)).body
  }

  /** The body of the answer to a POST. */
  async post<T>(service: ServiceType, path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return (await this.request<T>(service, 'POST', path, { ...options, body })).body
  }

  #send(method: string, url: string, options: RequestOptions): Promise<Response> {
    const { body, headers, microversion } = options
    const isBytes = body instanceof Uint8Array
    return send(method, url, {
      ...options,
      headers: {
        'x-auth-token': this.#session.token,
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        ...(microversion === undefined ? {} : { 'openstack-api-version': `compute ${microversion}` }),
        ...headers,
      },
    })
  }
}

async function authenticate(credentials: Credentials): Promise<Session> {
  const { authUrl, username, password, projectName, domainName = 'Default' } = credentials
  const domain = { name: domainName }
  const url = `${authUrl.replace(/\/+$/, '')}/auth/tokens`
  const response = await send('POST', url, {
    headers: { 'content-type': 'application/json' },
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { name: username, domain, password } } },
        scope: { project: { name: projectName, domain } },
      },
    },
  })
  const { headers, body } = await readReply<{
    token: { project: { id: string }; catalog: readonly CatalogEntry[] }
  }>('POST', url, response)
  const token = headers.get('x-subject-token') ?? ''
  return { token, projectId: body.token.project.id, catalog: body.token.catalog }
}

async function send(method: string, url: string, options: RequestOptions): Promise<Response> {
  const { body, headers = {}, timeoutMs = TIMEOUT_MS, signal } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    return await fetch(url, {
      method,
      headers,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array ? body.slice() : JSON.stringify(body) }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    const { message, cause } = error as Error
    throw ServiceUnreachable(
      { url, reason: cause instanceof Error ? cause.message : message },
      { cause: error },
    )
  }
}

async function readReply<T>(method: string, url: string, response: Response): Promise<Reply<T>> {
  const { status, headers } = response
  const text = await response.text()
  if (status >= 400) throw RequestRefused({ method, url, status, reason: reasonIn(text) })
  const isJson = headers.get('content-type')?.includes('json') ?? false
  return { status, headers, body: (isJson && text !== '' ? JSON.parse(text) : undefined) as T }
}

/** Each service wraps its message in an object of its own; all of them call it `message` or `detail`. */
function reasonIn(text: string): string {
  try {
    const found = JSON.stringify(JSON.parse(text)).match(/"(?:message|detail)":("(?:[^"\\]|\\.)*")/)?.[1]
    return found === undefined ? text.slice(0, 500) : (JSON.parse(found) as string)
  } catch {
    return text.slice(0, 500) || 'no reason given'
  }
}
