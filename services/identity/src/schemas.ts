/** Parts of request bodies and query strings that several resources share. */

import { Type } from 'typebox'

export const nameSchema = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' })
export const idSchema = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9-]+$' })
export const nullableText = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 4096 })
export const nullableId = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  maxLength: 64,
  pattern: '^[A-Za-z0-9-]+$',
})
/** Keystone's options of users and projects; none is offered, so only an empty object is taken. */
export const noOptions = Type.Object({}, { additionalProperties: false })

export const tagSchema = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' })
export const tagsSchema = Type.Array(tagSchema, { maxItems: 80, uniqueItems: true })

/** Bodies of this API are small; the limit also bounds the attributes that are kept although unknown. */
export const BODY_BYTES_MAX = 32 * 1024
