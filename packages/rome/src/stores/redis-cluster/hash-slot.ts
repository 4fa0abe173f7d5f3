/** Where a cluster puts a key: CRC16 of what stands in its braces (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). */

export const SLOTS = 16_384

/** The slot of a key whose part in braces is `tag`. Tags are ASCII. */
export function slotOfTag(tag: string): number {
  let crc = 0
  for (let index = 0; index < tag.length; index++) {
    crc ^= tag.charCodeAt(index) << 8
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc % SLOTS
}

/** @param key with a part in braces, as all of ours have */
export function slotOf(key: string): number {
  return slotOfTag(key.slice(key.indexOf('{') + 1, key.indexOf('}')))
}
