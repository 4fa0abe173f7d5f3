/**
 * Policy rules in the language of oslo.policy (https://docs.openstack.org/oslo.policy/latest/user/index.html):
 * `role:admin or (role:member and project_id:%(project_id)s)`, with `not`, `rule:name`, `@` and `!`.
 */

import { assert } from '@atoll/kit'
import type { Authorization } from './authorization.ts'

/** Facts about what is acted upon: `project_id`, `user_id`, `visibility` … */
export type Target = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Rules by name. */
export type Rules = Readonly<Record<string, string>>

type Check = (authorization: Authorization, target: Target) => boolean

/** Compiles rules once; a rule that cannot be parsed, or that refers to itself, is refused here and not at a request. */
export class Policy {
  readonly #checks = new Map<string, Check>()

  /** @throws Error naming the rule that is wrong */
  constructor(rules: Rules) {
    const compile = (name: string, path: readonly string[]): Check => {
      const known = this.#checks.get(name)
      if (known) return known
      const text = rules[name]
      if (text === undefined)
        throw new Error(`policy rule ${path.at(-1) ?? name} refers to ${name}, which is not defined`)
      if (path.includes(name)) throw new Error(`policy rule ${name} refers to itself`)
      const check = parseRule(text, (reference) => compile(reference, [...path, name]))
      this.#checks.set(name, check)
      return check
    }
    for (const name of Object.keys(rules)) compile(name, [])
  }

  allows(rule: string, authorization: Authorization, target: Target): boolean {
    const check = this.#checks.get(rule)
    assert(check, `policy rule ${rule} is not defined`)
    return check(authorization, target)
  }
}

function parseRule(text: string, reference: (name: string) => Check): Check {
  const tokens = text.match(/%\([^)]*\)s|[()]|(?:[^\s()%]|%\([^)]*\)s)+/g) ?? []
  let position = 0
  const fail = (what: string): never => {
    throw new Error(`policy rule "${text}": ${what}`)
  }
  const parseOr = (): Check => {
    const parts = [parseAnd()]
    while (tokens[position] === 'or' && ++position) parts.push(parseAnd())
    return (authorization, target) => parts.some((part) => part(authorization, target))
  }
  const parseAnd = (): Check => {
    const parts = [parseNot()]
    while (tokens[position] === 'and' && ++position) parts.push(parseNot())
    return (authorization, target) => parts.every((part) => part(authorization, target))
  }
  const parseNot = (): Check => {
    if (tokens[position] !== 'not') return parseOne()
    position++
    const inner = parseNot()
    return (authorization, target) => !inner(authorization, target)
  }
  const parseOne = (): Check => {
    const token = tokens[position++] ?? fail('ends too early')
    if (token !== '(') return parseCheck(token, reference, fail)
    const inner = parseOr()
    if (tokens[position++] !== ')') fail('a parenthesis is not closed')
    return inner
  }
  if (tokens.length === 0) return () => true
  const check = parseOr()
  if (position < tokens.length) fail(`unexpected ${tokens[position]}`)
  return check
}

function parseCheck(token: string, reference: (name: string) => Check, fail: (what: string) => never): Check {
  if (token === '@') return () => true
  if (token === '!') return () => false
  const colon = token.indexOf(':')
  if (colon < 1) fail(`${token} is no check`)
  const [kind, match] = [token.slice(0, colon), token.slice(colon + 1)]
  if (kind === 'rule') return reference(match)
  if (kind === 'role') {
    const wanted = match.toLowerCase()
    return ({ roles }) => roles.some((role) => role.toLowerCase() === wanted)
  }
  return genericCheck(kind, match, fail)
}

const credentials: Readonly<Record<string, (authorization: Authorization) => string | null>> = {
  user_id: ({ userId }) => userId,
  project_id: ({ projectId }) => projectId,
  tenant_id: ({ projectId }) => projectId,
  domain_id: ({ domainId }) => domainId,
  user_domain_id: ({ userDomainId }) => userDomainId,
}

// `project_id:%(project_id)s` compares the token with the target; `'public':%(visibility)s` a constant with it.
function genericCheck(kind: string, match: string, fail: (what: string) => never): Check {
  const literal = /^'(.*)'$/.exec(kind)?.[1]
  const credential = credentials[kind]
  if (literal === undefined && !credential) fail(`${kind} is neither a constant nor a credential`)
  const attribute = /^%\((.+)\)s$/.exec(match)?.[1]
  return (authorization, target) => {
    const left = literal ?? credential?.(authorization)
    const right = attribute === undefined ? match : target[attribute]
    return (
      left !== null &&
      left !== undefined &&
      right !== null &&
      right !== undefined &&
      String(left) === String(right)
    )
  }
}
