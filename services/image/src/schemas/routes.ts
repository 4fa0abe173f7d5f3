/** `/v2/schemas`: the forms of images and members, which clients use to tell base properties from others. */

import { type Endpoint, endpoint } from '@atoll/http'
import { imageSchema } from '../images/image-schema.ts'

const memberSchema = {
  name: 'member',
  properties: {
    member_id: { type: 'string', description: 'An identifier for the image member (tenantId)' },
    image_id: {
      type: 'string',
      description: 'An identifier for the image',
      pattern: imageSchema.properties.id.pattern,
    },
    created_at: { type: 'string', description: 'Date and time of image member creation' },
    updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
    status: {
      type: 'string',
      description: 'The status of this image member',
      enum: ['pending', 'accepted', 'rejected'],
    },
    schema: { readOnly: true, type: 'string' },
  },
}

const schemas = {
  image: imageSchema,
  images: collectionOf('images', imageSchema, ['first', 'next', 'schema']),
  member: memberSchema,
  members: collectionOf('members', memberSchema, ['schema']),
}

export const schemaEndpoints: readonly Endpoint[] = Object.entries(schemas).map(([name, schema]) =>
  endpoint({ method: 'GET', path: `/v2/schemas/${name}`, rule: 'default', handle: async () => schema }),
)

function collectionOf(name: string, items: object, links: readonly string[]) {
  return {
    name,
    properties: {
      [name]: { type: 'array', items },
      ...Object.fromEntries(links.map((link) => [link, { type: 'string' }])),
    },
    links: links
      .filter((link) => link !== 'schema')
      .map((link) => ({ rel: link, href: `{${link}}` }))
      .concat({ rel: 'describedby', href: '{schema}' }),
  }
}
