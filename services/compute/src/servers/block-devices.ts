/** Block devices of a create: the image on the host's own disk. Volumes are not offered. */

import { InvalidRequest } from '../errors.ts'
import type { CreateBody, RequestedBlockDevice } from './create-schema.ts'

/** The image to boot from, and the tags of its disk. @throws InvalidRequest */
export function checkBlockDevices(server: CreateBody['server']): {
  readonly imageId: string
  readonly diskTags: readonly string[]
} {
  const devices = server.block_device_mapping_v2 ?? []
  if (server.block_device_mapping && server.block_device_mapping.length > 0) throw volumesRefused()
  if (devices.some((device) => !isLocalImage(device))) throw volumesRefused()
  const [device, ...others] = devices
  if (others.length > 0 || (device && Number(device.boot_index ?? 0) !== 0)) throw invalidSequence()
  const imageRef = server.imageRef ?? ''
  const imageId = imageRef || device?.image_id || device?.uuid || ''
  if (imageId === '') throw InvalidRequest({ message: 'Invalid imageRef provided.' })
  if (device && (device.uuid ?? device.image_id ?? imageId) !== imageId) throw invalidSequence()
  return { imageId, diskTags: device?.tag === undefined ? [] : [device.tag] }
}

function isLocalImage({ source_type, destination_type, image_id }: RequestedBlockDevice): boolean {
  const isImage = source_type === 'image' || (source_type === undefined && image_id !== undefined)
  return isImage && destination_type !== 'volume'
}

function volumesRefused() {
  return InvalidRequest({
    message:
      'Block Device Mapping is Invalid: only an image on local disk is offered, no volumes and no further disks.',
  })
}

function invalidSequence() {
  return InvalidRequest({
    message:
      'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
  })
}
