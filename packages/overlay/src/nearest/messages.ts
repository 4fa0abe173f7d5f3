/**
 * What sites say to each other to find their nearest. Three datagrams, so that both ends measure the round trip themselves
 * and nobody has to believe the other:
 *
 *     asker ── ask ──▶ asked ── tell ──▶ asker ── thanks ──▶ asked
 *     └────── its round trip ──────┘
 *                       └────── its round trip ──────┘
 *
 * Each end draws a number that the other's answer carries, so that nobody can answer before it was asked and seem near.
 */

import type { Message } from '../protocol/message.ts'
import { isName } from '../trust/identity.ts'

/** Of the sites that the sender measured: a claim, which only says where to look. */
export interface NearEntry {
  readonly site: string
  readonly rttMs: number
  /** What that site said of its position; absent when the sender does not know. */
  readonly position?: unknown
}

export interface SpiralMessage extends Message {
  readonly type: 'spiral.ask' | 'spiral.tell' | 'spiral.thanks'
  /** The number that the answer to this message must carry; of no use in thanks. */
  readonly number: number
  /** The number of the message that this one answers; of no use when asking. */
  readonly answers: number
  /** The sender's own; unchecked. */
  readonly position?: unknown
  readonly nearest?: readonly NearEntry[]
}

export const SPIRAL_TYPES = ['spiral.ask', 'spiral.tell', 'spiral.thanks'] as const

/** More are dropped, as is what makes no sense. */
const ENTRIES_MAX = 32

const RTT_MS_MAX = 10_000

/** A message as it came, its entries checked; undefined when it is none of ours. */
export function readSpiralMessage(message: Message): SpiralMessage | undefined {
  const { type, version, number, answers, nearest, position } = message as Message & Record<string, unknown>
  const known = SPIRAL_TYPES.find((one) => one === type)
  if (!known || version !== 1 || !Number.isSafeInteger(number) || !Number.isSafeInteger(answers))
    return undefined
  const entries = Array.isArray(nearest) ? nearest.slice(0, ENTRIES_MAX).filter(isNearEntry) : []
  return {
    type: known,
    version,
    number: Number(number),
    answers: Number(answers),
    position,
    nearest: entries,
  }
}

function isNearEntry(value: unknown): value is NearEntry {
  const { site, rttMs } = Object(value) as Partial<Record<keyof NearEntry, unknown>>
  return (
    typeof site === 'string' && isName(site) && typeof rttMs === 'number' && rttMs > 0 && rttMs < RTT_MS_MAX
  )
}
