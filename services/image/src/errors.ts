/** What Image answers beside the errors of every API and of the image store, in Glance's words. */

import { defineError } from '@atoll/kit'

/** At most this much of a client's own text is repeated to it. */
const SHOWN_MAX = 255
const shown = (text: string) => text.slice(0, SHOWN_MAX)

export const ImageNotFound = defineError({
  code: 'image.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ id }: { id: string }) => `No image found with ID ${shown(id)}`,
})

export const ImageExists = defineError({
  code: 'image.exists',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ id }: { id: string }) => `Image ID ${id} already exists!`,
})

export const ImageProtected = defineError({
  code: 'image.protected',
  status: 403,
  fault: 'forbidden',
  message: ({ id }: { id: string }) => `Image ${id} is protected and cannot be deleted.`,
})

export const ActionForbidden = defineError({
  code: 'image.action_forbidden',
  status: 403,
  fault: 'forbidden',
  message: ({ rule }: { rule: string }) => `You are not authorized to complete ${rule} action.`,
})

/** Something that cannot be right, whoever asks. The message is Glance's own for each case. */
export const ImageInvalid = defineError({
  code: 'image.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ message }: { message: string }) => message,
})

export const SchemaViolation = defineError({
  code: 'image.schema_violation',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) => `Provided object does not match schema 'image': ${reason}`,
})

export const AttributeReadOnly = defineError({
  code: 'image.attribute.read_only',
  status: 403,
  fault: 'forbidden',
  message: ({ name }: { name: string }) => `Attribute '${name}' is read-only.`,
})

export const AttributeReserved = defineError({
  code: 'image.attribute.reserved',
  status: 403,
  fault: 'forbidden',
  message: ({ name }: { name: string }) => `Attribute '${shown(name)}' is reserved.`,
})

export const AttributeFixed = defineError({
  code: 'image.attribute.fixed',
  status: 403,
  fault: 'forbidden',
  message: ({ name }: { name: string }) => `Attribute ${name} can be only replaced for a queued image.`,
})

export const AttributeNotRemovable = defineError({
  code: 'image.attribute.not_removable',
  status: 403,
  fault: 'forbidden',
  message: ({ name }: { name: string }) => `Property ${name} may not be removed.`,
})

export const LocationsInvisible = defineError({
  code: 'image.locations_invisible',
  status: 403,
  fault: 'forbidden',
  message: ({ verb }: { verb: string }) =>
    `It's not allowed to ${verb} locations if locations are invisible.`,
})

export const OwnerFixed = defineError<object>({
  code: 'image.owner_fixed',
  status: 403,
  fault: 'forbidden',
  message: () => "Owner can't be updated by non admin.",
})

export const PropertyMissing = defineError({
  code: 'image.property.missing',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ name }: { name: string }) => `Property ${shown(name)} does not exist.`,
})

export const PropertyPresent = defineError({
  code: 'image.property.present',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ name }: { name: string }) => `Property ${shown(name)} already present.`,
})

export const LimitExceeded = defineError({
  code: 'image.limit_exceeded',
  status: 413,
  fault: 'overLimit',
  message: ({ what, attempted, maximum }: { what: string; attempted: number; maximum: number }) =>
    `The limit has been exceeded on the number of allowed image ${what}. Attempted: ${attempted}, Maximum: ${maximum}`,
})

export const PatchTypeUnsupported = defineError({
  code: 'image.patch_type_unsupported',
  status: 415,
  fault: 'unsupportedMediaType',
  message: ({ allowed }: { allowed: readonly string[] }) =>
    `Image PATCH expects Content-Type one of: ${allowed.join(', ')}`,
})

export const StatusTransitionInvalid = defineError({
  code: 'image.status_transition_invalid',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ from, to }: { from: string; to: string }) =>
    `Image status transition from ${from} to ${to} is not allowed`,
})

export const StatusForbids = defineError({
  code: 'image.status_forbids',
  status: 403,
  fault: 'forbidden',
  message: ({ action, status }: { action: string; status: string }) =>
    `Not allowed to ${action} image in status '${status}'`,
})

export const FormatsMissing = defineError({
  code: 'image.formats_missing',
  status: 400,
  fault: 'badRequest',
  message: ({ names }: { names: readonly string[] }) =>
    `${names.length === 1 ? 'Property' : 'Properties'} ${names.join(', ')} must be set prior to saving data.`,
})

export const ImageGone = defineError({
  code: 'image.gone',
  status: 410,
  fault: 'gone',
  message: ({ id }: { id: string }) =>
    `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
})

export const ImageDeactivated = defineError<object>({
  code: 'image.deactivated',
  status: 403,
  fault: 'forbidden',
  message: () => 'The requested image has been deactivated. Image data download is forbidden.',
})

export const RangeInvalid = defineError<object>({
  code: 'image.range_invalid',
  status: 416,
  fault: 'requestedRangeNotSatisfiable',
  message: () =>
    "The byte range passed in the 'Range' header did not match any available byte range in the current image",
})

/** The record is known here, but its bytes are elsewhere and cannot be had now. */
export const ImageDataUnreachable = defineError({
  code: 'image.data_unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ id }: { id: string }) => `The data of image ${id} cannot be reached at the moment.`,
})

/** Nova's words: the one who asks is a host that wants to boot from it. */
export const ImageNotActive = defineError({
  code: 'image.not_active',
  status: 400,
  fault: 'badRequest',
  message: ({ id }: { id: string }) => `Image ${id} is not active.`,
})

export const TagNotFound = defineError<object>({
  code: 'image.tag_not_found',
  status: 404,
  fault: 'itemNotFound',
  message: () => 'The resource could not be found.',
})

export const OnlySharedHaveMembers = defineError<object>({
  code: 'image.member.not_shared',
  status: 403,
  fault: 'forbidden',
  message: () => 'Only shared images have members.',
})

export const MemberNotFound = defineError({
  code: 'image.member.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ imageId, memberId }: { imageId: string; memberId: string }) =>
    `${shown(memberId)} not found in the member list of the image ${imageId}.`,
})

export const MemberExists = defineError({
  code: 'image.member.exists',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ imageId, memberId }: { imageId: string; memberId: string }) =>
    `Member ${memberId} is duplicated for image ${imageId}`,
})
