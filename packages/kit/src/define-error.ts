/**
 * One catalogue of errors per area. An error has a stable code, the status and fault name that an OpenStack
 * client expects, and a public message; the cause goes to the log only.
 */

export interface ErrorDefinition<Detail> {
  /** Stable and documented, `area.thing.what`: `compute.server.not_found`. */
  readonly code: string
  /** HTTP status that the API answers with. */
  readonly status: number
  /** Nova and Cinder name the fault in the body (`itemNotFound`); Neutron calls it the type. */
  readonly fault: string
  /** What the client reads, unless there is a `publicMessage`. Must not hold anything secret, nor anything of another tenant. */
  readonly message: (detail: Detail) => string
  /** What the client reads where `message` tells operators more: addresses, paths, what a server said. */
  readonly publicMessage?: (detail: Detail) => string
}

export interface ErrorFactory<Detail> extends ErrorDefinition<Detail> {
  (detail: Detail, options?: ErrorOptions): AtollError
  /** True for an error that this factory made. */
  readonly is: (error: unknown) => error is AtollError
}

export interface ErrorOptions {
  readonly cause?: unknown
  /** Sent as `Retry-After`, in whole seconds, rounded up. */
  readonly retryAfterMs?: number
}

/** An expected failure with a meaning to the client. Anything else that is thrown is a bug. */
export class AtollError extends Error {
  override readonly name = 'AtollError'
  readonly code: string
  readonly status: number
  readonly fault: string
  readonly detail: unknown
  readonly retryAfterMs: number | undefined
  /** The client reads this; whoever reads the log or runs a command gets `message`. */
  readonly publicMessage: string

  constructor(
    definition: { code: string; status: number; fault: string },
    { message, publicMessage = message }: { readonly message: string; readonly publicMessage?: string },
    detail: unknown,
    options: ErrorOptions = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = definition.code
    this.status = definition.status
    this.fault = definition.fault
    this.detail = detail
    this.retryAfterMs = options.retryAfterMs
    this.publicMessage = publicMessage
  }
}

const catalogue = new Map<string, ErrorDefinition<never>>()

/**
 * Adds an error to the catalogue and returns its factory.
 *
 * @example
 * const ServerNotFound = defineError({
 *   code: 'compute.server.not_found', status: 404, fault: 'itemNotFound',
 *   message: ({ id }: { id: string }) => `Instance ${id} could not be found.`,
 * })
 * throw ServerNotFound({ id })
 */
export function defineError<Detail>(definition: ErrorDefinition<Detail>): ErrorFactory<Detail> {
  if (catalogue.has(definition.code)) throw new Error(`error code defined twice: ${definition.code}`)
  catalogue.set(definition.code, definition as ErrorDefinition<never>)
  const create = (detail: Detail, options?: ErrorOptions): AtollError => {
    const message = definition.message(detail)
    const publicMessage = definition.publicMessage?.(detail) ?? message
    return new AtollError(definition, { message, publicMessage }, detail, options)
  }
  const is = (error: unknown): error is AtollError =>
    error instanceof AtollError && error.code === definition.code
  return Object.assign(create, definition, { is })
}

/** Every error defined by the modules loaded so far, in order of code; the reference page is made from it. */
export function errorCatalogue(): readonly ErrorDefinition<never>[] {
  return [...catalogue.values()].sort((left, right) => (left.code < right.code ? -1 : 1))
}
