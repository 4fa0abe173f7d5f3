/**
 * Where a store is, as operators write it: `redis://:password@192.0.2.7:6379/0`, `etcd://a:2379,b:2379,c:2379`. Several servers are
 * parted by commas, which no parser of web addresses takes.
 */

import { StoreUrlInvalid } from './errors.ts'

export interface StoreServer {
  readonly host: string
  /** Undefined where the store's usual one is meant. */
  readonly port: number | undefined
}

export interface StoreUrl {
  /** In lower case, without the colon. */
  readonly scheme: string
  readonly user: string | undefined
  /** Must never be part of a log, a status or an error: print `withoutPassword` instead. */
  readonly password: string | undefined
  /** At least one, unless the scheme needs none. */
  readonly servers: readonly StoreServer[]
  /** What follows the servers, without the first slash: a number or name of a database, or a file. */
  readonly path: string
  readonly parameters: ReadonlyMap<string, string>
  /** The whole for people: what was secret is three stars. */
  readonly withoutPassword: string
}

const FORM = /^([a-z][a-z0-9+-]*):(?:\/\/(?:([^@/?#]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?$/i
const SERVER = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i

/** @throws StoreUrlInvalid, which never shows what was given */
export function parseStoreUrl(text: string): StoreUrl {
  const [, scheme, credentials, authority = '', path = '', query = ''] = FORM.exec(text.trim()) ?? []
  if (scheme === undefined)
    throw StoreUrlInvalid({ reason: 'it does not begin with a kind of store, such as redis://' })
  const servers = authority === '' ? [] : authority.split(',').map(parseServer)
  const [user, password] = credentialsOf(credentials)
  const parameters = new Map(new URLSearchParams(query))
  const shown = servers.map(({ host, port }) => {
    const name = host.includes(':') ? `[${host}]` : host
    return port === undefined ? name : `${name}:${port}`
  })
  const secret = password === undefined ? '' : ':***'
  const who = credentials === undefined ? '' : `${user ?? ''}${secret}@`
  // Parameters may hold secrets of their own, and are nothing that tells one store from another.
  const withoutPassword = `${scheme.toLowerCase()}:${servers.length > 0 ? '//' : ''}${who}${shown.join(',')}${path}`
  return {
    scheme: scheme.toLowerCase(),
    user,
    password,
    servers,
    path: decode(servers.length > 0 ? path.replace(/^\//, '') : path),
    parameters,
    withoutPassword,
  }
}

function credentialsOf(
  text: string | undefined,
): readonly [user: string | undefined, password: string | undefined] {
  if (text === undefined) return [undefined, undefined]
  const colon = text.indexOf(':')
  const [user, password] = colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
  return [user === '' ? undefined : decode(user), password && decode(password)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw StoreUrlInvalid({ reason: 'it has a % that begins no escape' })
  }
}

function parseServer(text: string): StoreServer {
  const [, bracketed, plain, digits] = SERVER.exec(text) ?? []
  const host = bracketed ?? plain
  const port = digits === undefined ? undefined : Number(digits)
  if (host === undefined || port === 0 || (port ?? 1) > 65_535)
    throw StoreUrlInvalid({ reason: 'its servers are not of the form host:port, parted by commas' })
  return { host, port }
}
