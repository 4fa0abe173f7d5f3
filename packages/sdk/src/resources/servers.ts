/** Servers: made, waited for, listed, listened to, deleted. */

import type { Connection } from '../connection.ts'
import { RequestRefused, refusedStatus, ServerFailed } from '../errors.ts'
import { waitUntil } from '../wait-until.ts'

/** Ours honours it in full, and it shows what a client asks most: tags, embedded flavor, UNKNOWN for what is cut off. */
export const COMPUTE_MICROVERSION = '2.79'

export interface Server {
  readonly id: string
  readonly name: string
  /** `UNKNOWN` when the server's site cannot be asked. */
  readonly status: string
  readonly addresses?: Readonly<Record<string, readonly { readonly addr: string }[]>>
  /** When it was last changed, by a client or by what its host reported. */
  readonly updated?: string
  readonly fault?: { readonly message: string }
  readonly 'OS-EXT-AZ:availability_zone'?: string
  readonly 'OS-EXT-SRV-ATTR:hypervisor_hostname'?: string | null
}

export interface NewServer {
  readonly name: string
  readonly imageId: string
  readonly flavorId: string
  readonly networks: readonly ({ readonly uuid: string } | { readonly port: string })[]
  readonly keyName?: string
  /** Name of a site. */
  readonly availabilityZone?: string
  /** A script that the guest runs at its first boot. */
  readonly userData?: string
}

const options = { microversion: COMPUTE_MICROVERSION }

/** Asks for a server; it is building on return. */
export async function createServer(connection: Connection, server: NewServer): Promise<{ id: string }> {
  const { name, imageId, flavorId, networks, keyName, availabilityZone, userData } = server
  const body = {
    server: {
      name,
      imageRef: imageId,
      flavorRef: flavorId,
      networks,
      ...(keyName === undefined ? {} : { key_name: keyName }),
      ...(availabilityZone === undefined ? {} : { availability_zone: availabilityZone }),
      ...(userData === undefined ? {} : { user_data: Buffer.from(userData).toString('base64') }),
    },
  }
  return (await connection.post<{ server: { id: string } }>('compute', '/v2.1/servers', body, options)).server
}

export async function showServer(connection: Connection, id: string): Promise<Server> {
  return (await connection.get<{ server: Server }>('compute', `/v2.1/servers/${id}`, options)).server
}

/** All servers of the project, page by page. */
export async function listServers(connection: Connection): Promise<readonly Server[]> {
  const servers: Server[] = []
  for (;;) {
    const marker = servers.at(-1)?.id
    const path = `/v2.1/servers/detail?limit=1000${marker === undefined ? '' : `&marker=${marker}`}`
    const page = (await connection.get<{ servers: readonly Server[] }>('compute', path, options)).servers
    servers.push(...page)
    if (page.length < 1000) return servers
  }
}

/** Asks for the end of a server; one that is gone already counts as done. */
export async function deleteServer(connection: Connection, id: string): Promise<void> {
  try {
    await connection.request('compute', 'DELETE', `/v2.1/servers/${id}`, options)
  } catch (error) {
    if (refusedStatus(error) !== 404) throw error
  }
}

/** The last `lines` lines of the serial console. */
export async function consoleOutput(connection: Connection, id: string, lines = 200): Promise<string> {
  const body = { 'os-getConsoleOutput': { length: lines } }
  const path = `/v2.1/servers/${id}/action`
  return (await connection.post<{ output: string }>('compute', path, body, options)).output
}

export interface ServerWaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** @throws ServerFailed when it goes into ERROR instead, NotInTime */
export function waitForStatus(
  connection: Connection,
  id: string,
  status: string,
  wait: ServerWaitOptions,
): Promise<Server> {
  return waitUntil({ what: `server ${id} is ${status}`, ...wait, intervalMs: 200 }, async () => {
    const server = await showServer(connection, id)
    if (server.status === 'ERROR' && status !== 'ERROR')
      throw ServerFailed({ name: server.name, reason: server.fault?.message ?? 'no reason given' })
    return server.status === status && server
  })
}

/** @throws NotInTime */
export async function waitForDeletion(
  connection: Connection,
  id: string,
  wait: ServerWaitOptions,
): Promise<void> {
  await waitUntil({ what: `server ${id} is gone`, ...wait, intervalMs: 200 }, async () => {
    try {
      await showServer(connection, id)
      return undefined
    } catch (error) {
      return refusedStatus(error) === 404 || Promise.reject(error)
    }
  })
}

/** Waits for `pattern` on the console and returns all of its text. @throws NotInTime */
export function waitForConsole(
  connection: Connection,
  id: string,
  pattern: RegExp,
  wait: ServerWaitOptions,
): Promise<string> {
  return waitUntil({ what: `${pattern} on the console of ${id}`, ...wait, intervalMs: 300 }, async () => {
    const output = await consoleOutput(connection, id).catch((error: unknown) => {
      // A server that has no host yet has no console either: 409 until then.
      if (RequestRefused.is(error) && [404, 409].includes(refusedStatus(error) ?? 0)) return ''
      throw error
    })
    return pattern.test(output) && output
  })
}
