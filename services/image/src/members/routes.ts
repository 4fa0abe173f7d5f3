/** `/v2/images/{id}/members`: sharing an image with other projects. */

import { type Context, type Endpoint, endpoint } from '@atoll/http'
import type { State } from '@atoll/state'
import { Type } from 'typebox'
import { ImageInvalid } from '../errors.ts'
import { writesImage } from '../images/access.ts'
import { viewTime } from '../images/view.ts'
import type { ImageMember, MemberStatus } from '../records.ts'
import { addMember, findMember, listMembers, removeMember, updateMember } from './app.ts'

const SCHEMA = '/v2/schemas/member'
const STATUSES: readonly string[] = ['pending', 'accepted', 'rejected']
/** Ids of projects: no space and no wildcard, on which the column `shared_with` relies. */
const PROJECT_ID = /^[A-Za-z0-9-]{1,64}$/

const anyBody = Type.Unknown()

export function memberEndpoints({ state }: { readonly state: State }): readonly Endpoint[] {
  const all = '/v2/images/:image_id/members'
  const one = `${all}/:member_id`
  return [
    endpoint({
      method: 'GET',
      path: all,
      rule: 'default',
      handle: async (context) => {
        const { imageId } = pathOf(context)
        const members = await listMembers(state, context, imageId)
        return {
          members: members.map((member) => viewMember(imageId, member)),
          schema: '/v2/schemas/members',
        }
      },
    }),
    endpoint({
      method: 'POST',
      path: all,
      rule: 'add_member',
      body: anyBody,
      writes: writesImage,
      handle: async (context) => {
        const { imageId } = pathOf(context)
        const memberId = readMember(context.body)
        return viewMember(imageId, await addMember(state, context, { imageId, memberId }))
      },
    }),
    endpoint({
      method: 'GET',
      path: one,
      rule: 'default',
      handle: async (context) => {
        const path = pathOf(context)
        return viewMember(path.imageId, await findMember(state, context, path))
      },
    }),
    endpoint({
      method: 'PUT',
      path: one,
      rule: 'default',
      body: anyBody,
      writes: writesImage,
      handle: async (context) => {
        const path = pathOf(context)
        const status = readStatus(context.body)
        return viewMember(path.imageId, await updateMember(state, context, { ...path, status }))
      },
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      rule: 'delete_member',
      status: 204,
      writes: writesImage,
      handle: async (context) => removeMember(state, context, pathOf(context)),
    }),
  ]
}

function pathOf({ params }: Pick<Context, 'params'>) {
  return { imageId: params.image_id ?? '', memberId: params.member_id ?? '' }
}

function readMember(body: unknown): string {
  const member = field(body, 'member', 'Expected a member in the form: {"member": "image_id"}')
  if (member === undefined) throw ImageInvalid({ message: 'Member to be added not specified' })
  if (member === '') throw ImageInvalid({ message: "Member can't be empty" })
  if (typeof member === 'string' && PROJECT_ID.test(member)) return member
  throw ImageInvalid({ message: 'Expected a member in the form: {"member": "image_id"}' })
}

function readStatus(body: unknown): MemberStatus {
  const status = field(body, 'status', 'Expected a status in the form: {"status": "status"}')
  if (status === undefined) throw ImageInvalid({ message: 'Status not specified' })
  if (typeof status === 'string' && STATUSES.includes(status)) return status as MemberStatus
  throw ImageInvalid({ message: 'Incorrect request: Status must be "pending", "accepted" or "rejected".' })
}

function field(body: unknown, name: string, message: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw ImageInvalid({ message })
  return (body as Readonly<Record<string, unknown>>)[name]
}

function viewMember(imageId: string, member: ImageMember): object {
  return {
    member_id: member.project_id,
    image_id: imageId,
    status: member.status,
    created_at: viewTime(member.created_at),
    updated_at: viewTime(member.updated_at),
    schema: SCHEMA,
  }
}
