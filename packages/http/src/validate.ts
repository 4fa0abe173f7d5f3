/** JSON Schema validation whose messages are those that OpenStack users and clients know. */

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { BadRequest } from './errors.ts'

const strict = new Ajv({
  allErrors: false,
  strict: false,
  coerceTypes: false,
  useDefaults: true,
  verbose: true,
})
// Query strings carry text only; numbers and booleans in them are coerced, as oslo and webob do.
const coercing = new Ajv({
  allErrors: false,
  strict: false,
  coerceTypes: 'array',
  useDefaults: true,
  verbose: true,
})

for (const ajv of [strict, coercing]) {
  ajv.addFormat('uuid', /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)
  ajv.addFormat('ipv4', /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}$/)
  ajv.addFormat('cidr4', /^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)\/(3[0-2]|[12]?\d)$/)
  ajv.addFormat('mac', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i)
  ajv.addFormat('base64', /^(?:[A-Za-z0-9+/\s]{4})*(?:[A-Za-z0-9+/\s]{2}==|[A-Za-z0-9+/\s]{3}=)?\s*$/)
}

const compiled = new WeakMap<object, ValidateFunction>()

/** By the schema's text: services that are composed anew, and versions of an endpoint, repeat their schemas. */
const compiledByText = new Map<Ajv, Map<string, ValidateFunction>>([
  [strict, new Map()],
  [coercing, new Map()],
])

/** Checks a parsed body. Fills defaults in place. @throws BadRequest with oslo's wording */
export function validateBody<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (body === undefined || body === null) throw BadRequest({ message: 'Malformed request body' })
  return validate(strict, schema, body, fieldOf)
}

/** Checks a parsed query string, turning text into the numbers and booleans that the schema asks for. */
export function validateQuery<Schema extends TSchema>(schema: Schema, query: unknown): Static<Schema> {
  return validate(coercing, schema, query, parameterOf)
}

function validate<Schema extends TSchema>(
  ajv: Ajv,
  schema: Schema,
  value: unknown,
  placeOf: PlaceOf,
): Static<Schema> {
  const check = compiled.get(schema) ?? compile(ajv, schema)
  if (check(value)) return value as Static<Schema>
  const error = check.errors?.[0]
  throw BadRequest({ message: error ? describe(error, placeOf) : 'Malformed request body' })
}

function compile(ajv: Ajv, schema: TSchema): ValidateFunction {
  const text = JSON.stringify(schema)
  const check = compiledByText.get(ajv)?.get(text) ?? ajv.compile(schema)
  compiledByText.get(ajv)?.set(text, check)
  compiled.set(schema, check)
  return check
}

// The wording follows python-jsonschema 4, which Nova, Neutron and Keystone pass through.
function describe({ keyword, params, instancePath, data, message }: ErrorObject, placeOf: PlaceOf): string {
  const shown = pythonLiteral(data)
  const place = placeOf(instancePath)
  if (keyword === 'additionalProperties') {
    return `Additional properties are not allowed ('${params.additionalProperty}' was unexpected)`
  }
  if (keyword === 'required')
    return inPlace(place, data, `'${params.missingProperty}' is a required property`)
  if (keyword === 'type')
    return inPlace(
      place,
      data,
      `${shown} is not of type ${[params.type]
        .flat()
        .map((type) => `'${type}'`)
        .join(', ')}`,
    )
  if (keyword === 'minLength') return inPlace(place, data, `${shown} is too short`)
  if (keyword === 'maxLength') return inPlace(place, data, `${shown} is too long`)
  if (keyword === 'pattern') return inPlace(place, data, `${shown} does not match '${params.pattern}'`)
  if (keyword === 'format') return inPlace(place, data, `${shown} is not a '${params.format}'`)
  if (keyword === 'enum')
    return inPlace(place, data, `${shown} is not one of ${pythonLiteral(params.allowedValues)}`)
  if (keyword === 'minimum')
    return inPlace(place, data, `${shown} is less than the minimum of ${params.limit}`)
  if (keyword === 'maximum')
    return inPlace(place, data, `${shown} is greater than the maximum of ${params.limit}`)
  return inPlace(place, data, `${shown} ${message ?? 'is not valid'}`)
}

/** Says where a value stands, as Nova's users know it; undefined for the whole. */
type PlaceOf = (instancePath: string) => string | undefined

function fieldOf(instancePath: string): string | undefined {
  const field = instancePath.split('/').at(-1)
  return field && `field/attribute ${field}`
}

// Each parameter of a query may be a list, whose index says nothing to the client.
function parameterOf(instancePath: string): string | undefined {
  const parameter = instancePath.split('/')[1]
  return parameter && `query parameters ${parameter}`
}

function inPlace(place: string | undefined, data: unknown, text: string): string {
  return place ? `Invalid input for ${place}. Value: ${pythonText(data)}. ${text}` : text
}

/** At most this much of a client's own value is repeated to it. */
const SHOWN_MAX = 200

function pythonText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, SHOWN_MAX) : pythonLiteral(value)
}

function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return `'${value.slice(0, SHOWN_MAX)}'`
  if (Array.isArray(value)) return `[${value.slice(0, 20).map(pythonLiteral).join(', ')}]`
  return JSON.stringify(value).slice(0, SHOWN_MAX)
}
