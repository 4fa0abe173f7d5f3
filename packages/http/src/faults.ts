/** The error bodies of each service family: clients dig the message out of exactly these shapes. */

import { STATUS_CODES } from 'node:http'
import { type AtollError, assertNever } from '@atoll/kit'
import { Forbidden } from './errors.ts'

export type FaultFamily = 'nova' | 'keystone' | 'neutron' | 'glance' | 'placement'

/** The public part of an error; `requestId` only for the family that shows it. */
export function faultBody(family: FaultFamily, error: AtollError, requestId: string): object {
  const { status: code, fault } = error
  const message = messageFor(family, error)
  const title = STATUS_CODES[code] ?? 'Error'
  switch (family) {
    case 'nova':
      return { [novaFault(error)]: { code, message, ...versionBounds(error) } }
    case 'keystone':
      return { error: { code, message, title } }
    case 'neutron':
      return { NeutronError: { type: neutronTypes[error.code] ?? fault, message, detail: '' } }
    case 'glance':
      return { message, code: `${code} ${title}`, title }
    case 'placement':
      return { errors: [{ status: code, request_id: requestId, code: error.code, title, detail: message }] }
    default:
      return assertNever(family)
  }
}

/** A rule of policy that is not met is refused by the gate, for all; each family has its own sentence for that. */
function messageFor(family: FaultFamily, error: AtollError): string {
  if (error.code !== Forbidden.code) return error.publicMessage
  const { rule } = error.detail as { rule: string }
  switch (family) {
    case 'keystone':
      return `You are not authorized to perform the requested action: ${rule}.`
    case 'neutron':
      return `${neutronCheck(rule)} is disallowed by policy`
    case 'glance':
      return `You are not authorized to complete ${rule} action.`
    case 'placement':
      return `Policy does not allow ${rule} to be performed.`
    case 'nova':
      return error.publicMessage
    default:
      return assertNever(family)
  }
}

// Neutron checks an attribute (`create_network:shared`) together with its action and shows the check as oslo.policy
// writes it.
function neutronCheck(rule: string): string {
  const [action] = rule.split(':')
  return action === rule ? `rule:${rule}` : `(rule:${action} and rule:${rule})`
}

// Neutron's type is the name of the Python class; those of its web framework stand for what every API can answer.
const neutronTypes: Readonly<Record<string, string>> = {
  'http.bad_request': 'HTTPBadRequest',
  'http.unauthorized': 'HTTPUnauthorized',
  'http.forbidden': 'PolicyNotAuthorized',
  'http.not_found': 'HTTPNotFound',
  'http.method_not_allowed': 'HTTPMethodNotAllowed',
  'http.body_too_large': 'HTTPRequestEntityTooLarge',
  'http.unsupported_media_type': 'HTTPUnsupportedMediaType',
  'http.internal': 'HTTPInternalServerError',
}

const novaFaults: Readonly<Record<number, string>> = {
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

// Nova derives the fault's name from the status alone, whatever went wrong.
function novaFault({ status }: AtollError): string {
  return novaFaults[status] ?? 'computeFault'
}

function versionBounds({ status, detail }: AtollError): object {
  if (status !== 406) return {}
  const { min, max } = detail as { min?: string; max?: string }
  return min && max ? { min_version: min, max_version: max } : {}
}
