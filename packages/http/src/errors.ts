/** What every API can answer, whatever its service. */

import { defineError } from '@atoll/kit'

export const BadRequest = defineError({
  code: 'http.bad_request',
  status: 400,
  fault: 'badRequest',
  message: ({ message }: { message: string }) => message,
})

export const Unauthorized = defineError({
  code: 'http.unauthorized',
  status: 401,
  fault: 'unauthorized',
  message: () => 'The request you have made requires authentication.',
})

/** In Nova's words; the other families have their own, see `faultBody`. */
export const Forbidden = defineError({
  code: 'http.forbidden',
  status: 403,
  fault: 'forbidden',
  message: ({ rule }: { rule: string }) => `Policy doesn't allow ${rule} to be performed.`,
})

export const NotFound = defineError({
  code: 'http.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: () => 'The resource could not be found.',
})

export const MethodNotAllowed = defineError({
  code: 'http.method_not_allowed',
  status: 405,
  fault: 'badMethod',
  message: ({ method }: { method: string }) => `The method ${method} is not allowed for this resource.`,
})

export const BodyTooLarge = defineError({
  code: 'http.body_too_large',
  status: 413,
  fault: 'overLimit',
  message: ({ limitBytes }: { limitBytes: number }) => `Request is too large: at most ${limitBytes} bytes.`,
})

export const UnsupportedMediaType = defineError({
  code: 'http.unsupported_media_type',
  status: 415,
  fault: 'badMediaType',
  message: ({ contentType }: { contentType: string }) => `Unsupported Content-Type ${contentType}.`,
})

export const InternalError = defineError({
  code: 'http.internal',
  status: 500,
  fault: 'computeFault',
  message: () => 'The server has either erred or is incapable of performing the requested operation.',
})
