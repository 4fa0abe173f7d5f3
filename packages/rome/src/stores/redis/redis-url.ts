/** What the address of a Redis or of a cluster says beside where it is. */

import { StoreUrlInvalid } from '../../errors.ts'
import type { StoreUrl } from '../../store-url.ts'
import type { Access, Endpoint } from './redis-connection.ts'

export interface RedisUrl {
  readonly isCluster: boolean
  readonly endpoints: readonly Endpoint[]
  readonly access: Access
  /** Several stores can share one Redis; each has its own. */
  readonly namespace: string
  /** How many replicas must have a commit before it counts; undefined: as the store was made. */
  readonly replicas: number | undefined
  /** Of a cluster: into how many parts the spaces are split when the store is made; undefined: by the number of primaries. */
  readonly shards: number | undefined
  /**
   * What to do about a server that would lose acknowledged commits: `check` refuses it and says what to change, `set`
   * changes what it can, `trust` does not look, for servers that do not tell.
   */
  readonly configuration: 'check' | 'set' | 'trust'
  /** For people: without the password. */
  readonly description: string
}

const PARAMETERS = new Set(['namespace', 'replicas', 'shards', 'configuration'])
const SCHEMES = new Set(['redis', 'rediss', 'redis-cluster', 'rediss-cluster'])
const PORT = 6379
const REPLICAS_MAX = 16
const SHARDS_MAX = 256

/** @throws StoreUrlInvalid */
export function readRedisUrl({
  scheme,
  user,
  password,
  servers,
  path,
  parameters,
  withoutPassword,
}: StoreUrl): RedisUrl {
  if (!SCHEMES.has(scheme)) throw invalid(`${scheme} is no scheme of a Redis`)
  for (const name of parameters.keys())
    if (!PARAMETERS.has(name)) throw invalid(`there is no parameter ${name}`)
  const isCluster = scheme.endsWith('-cluster')
  if (!/^\d{0,5}$/.test(path)) throw invalid('a database of Redis is a number')
  if (isCluster && Number(path) !== 0) throw invalid('a cluster has the database 0 only')
  const namespace = parameters.get('namespace') ?? 'rome'
  if (!/^[\w.-]{1,64}$/.test(namespace))
    throw invalid('a namespace has 1 to 64 letters, digits, dots, dashes and underscores')
  return {
    isCluster,
    endpoints: servers.map(({ host, port = PORT }) => ({ host, port })),
    access: {
      username: user === '' ? undefined : user,
      password,
      database: Number(path),
      isTls: scheme.startsWith('rediss'),
    },
    namespace,
    replicas: wholeNumber(parameters, 'replicas', { least: 0, most: REPLICAS_MAX }),
    shards: wholeNumber(parameters, 'shards', { least: 1, most: SHARDS_MAX }),
    configuration: configurationOf(parameters),
    description: withoutPassword,
  }
}

function wholeNumber(
  parameters: StoreUrl['parameters'],
  name: string,
  { least, most }: { least: number; most: number },
): number | undefined {
  const text = parameters.get(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw invalid(`${name} is a whole number from ${least} to ${most}`)
  return value
}

function configurationOf(parameters: StoreUrl['parameters']): RedisUrl['configuration'] {
  const value = parameters.get('configuration') ?? 'check'
  if (value === 'check' || value === 'set' || value === 'trust') return value
  throw invalid('configuration is check, set or trust')
}

function invalid(reason: string) {
  return StoreUrlInvalid({ reason })
}
