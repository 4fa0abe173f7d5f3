/** The body of `POST /v3/auth/tokens`. */

import { type Static, Type } from 'typebox'

const text = Type.String({ minLength: 1, maxLength: 255 })

const domainReference = Type.Object({ id: Type.Optional(text), name: Type.Optional(text) })

/** By id, or by name and domain. */
const reference = {
  id: Type.Optional(text),
  name: Type.Optional(text),
  domain: Type.Optional(domainReference),
}

const scope = Type.Object(
  {
    project: Type.Optional(Type.Object(reference)),
    domain: Type.Optional(domainReference),
    unscoped: Type.Optional(Type.Object({})),
  },
  { additionalProperties: false, maxProperties: 1 },
)

const auth = Type.Object(
  {
    identity: Type.Object({
      methods: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 4 }),
      password: Type.Optional(
        Type.Object({
          user: Type.Object({ ...reference, password: Type.String() }),
        }),
      ),
      token: Type.Optional(Type.Object({ id: Type.String({ minLength: 1 }) })),
    }),
    scope: Type.Optional(scope),
  },
  { additionalProperties: false },
)

export const authSchema = Type.Object({ auth })

export type AuthRequest = Static<typeof auth>
export type ScopeRequest = Static<typeof scope>
export type DomainReference = Static<typeof domainReference>
export interface UserReference {
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly domain?: DomainReference | undefined
}
