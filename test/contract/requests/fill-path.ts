/** An endpoint's path with the ids of things that exist. */

import type { Target } from '../peer/contract-peer.ts'
import { type Kind, SECRET } from '../peer/tenancy.ts'

/** One parameter of a path: `:server_id`, or `:project_id(^[0-9a-f-]+$)`. */
const PARAMETER = /:(\w+)(?:\([^)]*\))?/g

/** What a parameter names; after `:id` and `:target_id` stands the collection that precedes it. */
const KINDS: Readonly<Record<string, Kind>> = {
  domain_id: 'domain',
  'domains/:target_id': 'domain',
  'endpoints/:id': 'endpoint',
  flavor_id: 'flavor',
  hypervisor_id: 'hypervisor',
  image_id: 'image',
  'networks/:id': 'network',
  'os-keypairs/:name': 'keypair',
  'os-interface/:port_id': 'serverPort',
  'os-services/:service_id': 'computeService',
  'ports/:id': 'port',
  project_id: 'project',
  'projects/:target_id': 'project',
  quota_project_id: 'alphaProject',
  'quotas/:project_id': 'alphaProject',
  'v2.1/:project_id': 'adminProject',
  request_id: 'action',
  role_id: 'role',
  server_id: 'server',
  'services/:id': 'service',
  'subnets/:id': 'subnet',
  user_id: 'user',
}

/** Words that name no record of their own. */
const WORDS: Readonly<Record<string, string>> = {
  alias: 'os-keypairs',
  'ips/:network': SECRET,
  key: 'key',
  member_id: 'nobody',
  switch: 'enable',
  'regions/:id': 'reef',
  tag: 't',
}

export interface Parameter {
  readonly name: string
  /** What it names; undefined for a plain word. */
  readonly kind: Kind | undefined
  /** The word that is filled in when it names no record. */
  readonly word: string
}

/** The parameters of a path in their order. @throws Error for one that nobody has explained to this file */
export function parametersOf({ endpoint: { path, until } }: Pick<Target, 'endpoint'>): readonly Parameter[] {
  // Nova's services were switched by words until they got ids.
  const isSwitch = path.endsWith('os-services/:service_id') && until !== undefined
  if (isSwitch)
    return parametersOf({ endpoint: { path: path.replace('service_id', 'switch') } as Target['endpoint'] })
  return [...path.matchAll(PARAMETER)].map((match) => {
    const name = match[1] ?? ''
    const before = path.slice(0, match.index).split('/')
    const key = `${before.at(-2) ?? ''}/:${name}`
    const [kind, word] = [KINDS[key] ?? KINDS[name], WORDS[key] ?? WORDS[name]]
    if (kind === undefined && word === undefined) throw new Error(`say what :${name} of ${path} names`)
    return { name, kind: word === undefined ? kind : undefined, word: word ?? '' }
  })
}

/** The path with each parameter replaced by what `value` says of it. */
export function fillPath(target: Target, value: (parameter: Parameter, index: number) => string): string {
  const parameters = parametersOf(target)
  let index = 0
  const path = target.endpoint.path.replaceAll(PARAMETER, () => {
    const parameter = parameters[index]
    return parameter ? value(parameter, index++) : ''
  })
  return target.api.prefix + path
}
