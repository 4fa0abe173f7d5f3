/** Datagrams between sites: versioned plain data, which a later release may extend without asking an earlier one. */

/**
 * What every message has. Each protocol extends it with fields of its own, which are plain data (what JSON can hold).
 *
 * - A receiver ignores types that it does not know.
 * - It reads the fields that it knows and keeps the rest, where it passes something on.
 * - `version` rises only when an old reader would misunderstand; a reader ignores versions above its own.
 */
export interface Message {
  /** `<protocol>.<what>`, as `cyclon.shuffle`. */
  readonly type: string
  readonly version: number
}

/**
 * Datagrams are small: one that does not fit is a bug of the sender, and is dropped. The largest hold eight descriptors
 * (`rumoursMax` of a peer, `shuffleLength`), each with a certificate or two and eight addresses.
 */
export const MESSAGE_BYTES_MAX = 65_536

/** True when a value from another site has the form of a message; its own fields are for its protocol to check. */
export function isMessage(value: unknown): value is Message {
  const { type, version } = Object(value) as Partial<Record<keyof Message, unknown>>
  return typeof type === 'string' && type.length <= 64 && Number.isInteger(version) && Number(version) >= 1
}
