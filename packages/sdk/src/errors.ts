/** What can go wrong between a client and a cloud. */

import { defineError } from '@atoll/kit'

export const RequestRefused = defineError({
  code: 'sdk.request.refused',
  status: 502,
  fault: 'clientFault',
  message: ({ method, url, status, reason }: RefusedRequest) =>
    `${method} ${url} was answered ${status}: ${reason}`,
})

export interface RefusedRequest {
  readonly method: string
  readonly url: string
  readonly status: number
  /** The service's own words. */
  readonly reason: string
}

export const ServiceUnreachable = defineError({
  code: 'sdk.service.unreachable',
  status: 503,
  fault: 'clientFault',
  message: ({ url, reason }: { url: string; reason: string }) => `${url} does not answer: ${reason}`,
})

export const ServiceNotInCatalog = defineError({
  code: 'sdk.service.not_in_catalog',
  status: 404,
  fault: 'clientFault',
  message: ({ service, authUrl }: { service: string; authUrl: string }) =>
    `The catalog of ${authUrl} has no service of type ${service}.`,
})

export const NotInTime = defineError({
  code: 'sdk.not_in_time',
  status: 504,
  fault: 'clientFault',
  message: ({ what, timeoutMs }: { what: string; timeoutMs: number }) =>
    `Waited ${Math.round(timeoutMs / 1000)} s in vain for: ${what}.`,
})

export const ServerFailed = defineError({
  code: 'sdk.server.failed',
  status: 502,
  fault: 'clientFault',
  message: ({ name, reason }: { name: string; reason: string }) =>
    `The server ${name} went into ERROR: ${reason}`,
})

/** The status of a refused request; undefined for any other error. */
export function refusedStatus(error: unknown): number | undefined {
  return RequestRefused.is(error) ? (error.detail as RefusedRequest).status : undefined
}
