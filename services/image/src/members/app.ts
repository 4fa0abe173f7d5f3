/** With which projects an image is shared. The owner says with whom; each of them says whether it wants to see it. */

import type { State, StateTransaction } from '@atoll/state'
import { MemberExists, MemberNotFound, OnlySharedHaveMembers } from '../errors.ts'
import { type Caller, findImage, type Image, isAllowed, requireRule } from '../images/access.ts'
import { requireWithin } from '../images/limits.ts'
import { type ImageMember, images, type MemberStatus, sharedWith } from '../records.ts'

export interface MemberPath {
  readonly imageId: string
  readonly memberId: string
}

/** The members that the caller may see: all for the owner, itself for a member. */
export async function listMembers(
  state: State,
  caller: Caller,
  imageId: string,
): Promise<readonly ImageMember[]> {
  const image = await findShared(state, caller, imageId)
  requireRule(caller, 'get_members', image)
  return visibleMembers(caller, image)
}

/** @throws MemberNotFound also for a member that the caller may not see */
export async function findMember(
  state: State,
  caller: Caller,
  { imageId, memberId }: MemberPath,
): Promise<ImageMember> {
  const image = await findShared(state, caller, imageId)
  requireRule(caller, 'get_member', image)
  const member = visibleMembers(caller, image).find(({ project_id }) => project_id === memberId)
  if (!member) throw MemberNotFound({ imageId, memberId })
  return member
}

/** @throws MemberExists, LimitExceeded, OnlySharedHaveMembers */
export async function addMember(
  state: State,
  caller: Caller,
  { imageId, memberId }: MemberPath,
): Promise<ImageMember> {
  return state.transaction(async (transaction) => {
    const image = await findShared(transaction, caller, imageId)
    requireRule(caller, 'add_member', image)
    if (image.members.some(({ project_id }) => project_id === memberId))
      throw MemberExists({ imageId, memberId })
    const { nowMs } = transaction
    const member = { project_id: memberId, status: 'pending', created_at: nowMs, updated_at: nowMs } as const
    const members = [...image.members, member]
    requireWithin('members for this image', members.length)
    await writeMembers(transaction, image, members)
    return member
  })
}

/** A member's own word. @throws MemberNotFound */
export async function updateMember(
  state: State,
  caller: Caller,
  { imageId, memberId, status }: MemberPath & { readonly status: MemberStatus },
): Promise<ImageMember> {
  return state.transaction(async (transaction) => {
    const image = await findShared(transaction, caller, imageId)
    requireRule(caller, 'modify_member', image)
    const current = visibleMembers(caller, image).find(({ project_id }) => project_id === memberId)
    if (!current) throw MemberNotFound({ imageId, memberId })
    const member = { ...current, status, updated_at: transaction.nowMs }
    const members = image.members.map((other) => (other.project_id === memberId ? member : other))
    await writeMembers(transaction, image, members)
    return member
  })
}

/** @throws MemberNotFound */
export async function removeMember(
  state: State,
  caller: Caller,
  { imageId, memberId }: MemberPath,
): Promise<void> {
  await state.transaction(async (transaction) => {
    const image = await findShared(transaction, caller, imageId)
    requireRule(caller, 'delete_member', image)
    const members = image.members.filter(({ project_id }) => project_id !== memberId)
    if (members.length === image.members.length) throw MemberNotFound({ imageId, memberId })
    await writeMembers(transaction, image, members)
  })
}

async function findShared(reader: State | StateTransaction, caller: Caller, id: string): Promise<Image> {
  const image = await findImage(reader, caller, id)
  if (image.visibility !== 'shared') throw OnlySharedHaveMembers({})
  return image
}

function visibleMembers(caller: Caller, image: Image): readonly ImageMember[] {
  const { projectId } = caller.authorization
  if (projectId === image.project_id || isAllowed(caller, 'context_is_admin', image)) return image.members
  return image.members.filter(({ project_id }) => project_id === projectId)
}

async function writeMembers(
  transaction: StateTransaction,
  { id, visibility }: Image,
  members: readonly ImageMember[],
): Promise<void> {
  await transaction.update(images, id, { members, shared_with: sharedWith(visibility, members) })
}
