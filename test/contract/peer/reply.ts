/** What came back, and what is true of every reply whatever was asked. */

import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import type { Api, FaultFamily } from '@atoll/http'
import { assertNever } from '@atoll/kit'
import type { LightMyRequestResponse } from 'fastify'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | number | undefined>>
  readonly text: string
}

export function readReply({ statusCode, headers, body }: LightMyRequestResponse): Reply {
  return { status: statusCode, headers, text: body }
}

export type Json = Readonly<Record<string, unknown>>

export function jsonOf({ text }: Reply): Json {
  return JSON.parse(text) as Json
}

/** What a reply that came from a broken invariant, a library or a careless `String()` would say. */
const INTERNALS =
  /node_modules|\.ts:\d|\bat [\w.<>]+ \(|SQLITE|SqliteError|[Kk]ysely|TypeError|RangeError|SyntaxError|\[object |\bundefined\b/

const REQUEST_ID = /^req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Asserts what every reply of `api` has: a request id, JSON or bytes, and an error only in the family's form. */
export function assertWellFormed(api: Api, reply: Reply, what: string): void {
  const { status, headers, text } = reply
  const seen = `${what} → ${status} ${text.slice(0, 300)}`
  assert.match(String(headers['x-openstack-request-id']), REQUEST_ID, seen)
  assert.ok(status < 500 || isDocumented(reply), seen)
  if (text === '') return
  const type = String(headers['content-type'])
  if (type.startsWith('application/octet-stream')) return
  assert.match(type, /^application\/json\b/, seen)
  assert.doesNotThrow(() => JSON.parse(text), seen)
  if (status >= 400) assertFault(api, reply, seen)
}

/** Of the statuses of a server that fails: what is not offered, and what is not there at the moment. */
function isDocumented({ status, headers }: Reply): boolean {
  return (status === 501 || status === 503) && typeof headers['atoll-error'] === 'string'
}

function assertFault({ faults }: Api, reply: Reply, seen: string): void {
  const message = messageIn(faults, reply, seen)
  assert.ok(typeof message === 'string' && message.trim() !== '', seen)
  assert.doesNotMatch(message, INTERNALS, seen)
  if (reply.status === 401)
    assert.match(String(reply.headers['www-authenticate']), /^Keystone uri="https?:\/\/.+\/identity"$/, seen)
}

const NOVA_FAULTS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'computeFault',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

/** The message, out of exactly the form that the family's clients know. */
function messageIn(family: FaultFamily, reply: Reply, seen: string): unknown {
  const { status } = reply
  const body = jsonOf(reply)
  const title = STATUS_CODES[status]
  const only = (value: unknown, ...keys: string[]): Json => {
    assert.deepEqual(Object.keys(value as object).sort(), keys.sort(), seen)
    return value as Json
  }
  switch (family) {
    case 'nova': {
      const fault = NOVA_FAULTS[status] ?? 'computeFault'
      const bounds = status === 406 ? ['min_version', 'max_version'] : []
      const { code, message } = only(only(body, fault)[fault], 'code', 'message', ...bounds)
      assert.equal(code, status, seen)
      return message
    }
    case 'keystone': {
      const error = only(only(body, 'error').error, 'code', 'message', 'title')
      assert.deepEqual([error.code, error.title], [status, title], seen)
      return error.message
    }
    case 'neutron': {
      const { type, message } = only(only(body, 'NeutronError').NeutronError, 'type', 'message', 'detail')
      assert.match(String(type), /^[A-Z]\w+$/, seen)
      return message
    }
    case 'glance': {
      const error = only(body, 'message', 'code', 'title')
      assert.deepEqual([error.code, error.title], [`${status} ${title}`, title], seen)
      return error.message
    }
    case 'placement': {
      const [error] = only(body, 'errors').errors as readonly Json[]
      assert.equal(error?.status, status, seen)
      return error?.detail
    }
    default:
      return assertNever(family)
  }
}
