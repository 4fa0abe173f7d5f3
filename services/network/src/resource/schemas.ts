/** Schemas that several resources share. */

import { Type } from 'typebox'

export const Name = Type.String({ maxLength: 255 })
export const Description = Type.String({ maxLength: 255 })
export const Uuid = Type.String({ format: 'uuid' })
export const ProjectId = Type.String({ minLength: 1, maxLength: 255 })
/** A list that can be stated only as what it always is, by clients that repeat what they read. */
export const Empty = Type.Array(Type.Unknown(), { maxItems: 0 })

export const ownerProperties = {
  project_id: Type.Optional(ProjectId),
  tenant_id: Type.Optional(ProjectId),
}
