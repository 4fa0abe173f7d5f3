/** Query strings that nobody should send: junk in every parameter that an endpoint declares, or that lists know. */

import type { ContractPeer, Target } from '../peer/contract-peer.ts'

/** What lists of OpenStack are asked for, whether the endpoint says so or not. */
const COMMON = [
  ...[
    'limit',
    'marker',
    'sort_key',
    'sort_dir',
    'sort',
    'page_reverse',
    'fields',
    'name',
    'id',
    'status',
    'all_tenants',
  ],
  ...[
    'project_id',
    'tenant_id',
    'user_id',
    'domain_id',
    'enabled',
    'changes-since',
    'changes-before',
    'deleted',
    'tags',
  ],
  ...[
    'not-tags-any',
    'fixed_ips',
    'shared',
    'mtu',
    'visibility',
    'size_min',
    'created_at',
    'updated_at',
    'member_status',
  ],
  ...[
    'protected',
    'owner',
    'ip',
    'host',
    'flavor',
    'image',
    'is_public',
    'minRam',
    'reserved',
    'scope.project.id',
    'effective',
  ],
]

const VALUES = [
  '',
  '-1',
  'NaN',
  '1e400',
  '99999999999999999999',
  'x',
  '%E2%82%AC',
  '%ff%fe',
  '%',
  '%zz',
  "'%20or%201=1--",
  '%5B',
  '(((((((((((a+)+)+)+)+)',
  '.*%5C',
  '__proto__',
  'constructor',
  'true',
  'null',
  'gt:x',
  'in:%22a,',
  'ip_address=999.1.1.1',
  '2026-13-45T99:99:99Z',
  '+275760-09-13T00:00:00.001Z',
  ',,,:::,',
]

/** Prime to the number of values, so that every name meets other ones. */
const VALUES_IN_TURN = 5

/** Every query to try at the endpoint. */
export function* junkQueries(target: Target, ids: ContractPeer['ids']): Generator<string> {
  const declared = declaredNames(target)
  let turn = 0
  for (const name of new Set([...declared, ...COMMON])) {
    // What is declared is tried with everything; of the rest, which is read by hand if at all, each with a few in turn.
    const isDeclared = declared.includes(name)
    const few = Array.from({ length: VALUES_IN_TURN }, () => VALUES[turn++ % VALUES.length])
    for (const value of isDeclared ? VALUES : few) yield `${name}=${value}`
    if (!isDeclared && turn % 3 !== 0) continue
    yield name
    yield `${name}=a&${name}=b`
    yield `${name}[]=a`
    yield `${name}[a]=b`
    yield `${name}=${'x'.repeat(10_000)}`
    yield `${name}=${ids.server}`
  }
  yield* [
    '=',
    '&&&',
    '?',
    '%00=1',
    'a=%00',
    '__proto__=1',
    '__proto__[a]=1',
    'constructor=1',
    'unheard=of',
    '%F0%9F%8F%9D=1',
  ]
  yield repeatedNames('name', 1500)
  yield Array.from({ length: 1500 }, (_, index) => `a${index}=1`).join('&')
}

export function repeatedNames(name: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `${name}=${index + 1}`).join('&')
}

function declaredNames({ endpoint: { query } }: Target): readonly string[] {
  const { properties = {} } = (query ?? {}) as { readonly properties?: object }
  return Object.keys(properties)
}
