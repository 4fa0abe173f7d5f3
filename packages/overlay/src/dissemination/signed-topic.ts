/**
 * Rumours that one site signs: heads of feeds, of which each site has one, and events that must reach all at once
 * (a revocation, a state). The text says what the rumour says, so that no hop can put it under another name or number.
 */

import type { Signatures } from '../protocol/signatures.ts'
import type { Rumour, Topic } from './rumour.ts'

/** What was told, verified. */
export interface News {
  /** The site that told it. */
  readonly site: string
  readonly subject: string
  readonly number: number
  /** Plain data; fields of a later release are kept on its way. */
  readonly data: unknown
}

export interface SignedTopicOptions {
  readonly name: string
  readonly isUrgent: boolean
  readonly signatures: Signatures
  /** Whether `site` may speak of `subject`. */
  readonly mayTell: (site: string, subject: string) => boolean
  /** Hears of each news once. */
  readonly onNews: (news: News) => void
}

/** Bytes of text: a head has some 200. */
const TEXT_MAX = 4096

export function signedTopic({ name, isUrgent, signatures, mayTell, onNews }: SignedTopicOptions): Topic {
  return {
    name,
    isUrgent,
    isKept: true,
    accept: (rumour) => {
      const news = readSigned(rumour, signatures)
      if (!news || !mayTell(news.site, news.subject)) return false
      onNews(news)
      return true
    },
  }
}

/** Signs what this site tells. Callers let `number` rise for each subject. */
export function signedRumour(
  signatures: Signatures,
  told: {
    readonly topic: string
    readonly subject: string
    readonly number: number
    readonly data: unknown
  },
): Rumour {
  const { topic, subject, number, data } = told
  const text = JSON.stringify({ topic, site: signatures.site, subject, number, data })
  return { topic, subject, number, body: { text, signature: signatures.sign(text) } }
}

/** What a rumour says, or undefined when its signature is not that of the site that it names. */
function readSigned(rumour: Rumour, signatures: Signatures): News | undefined {
  const { text, signature } = Object(rumour.body) as { text?: unknown; signature?: unknown }
  if (typeof text !== 'string' || text.length > TEXT_MAX || typeof signature !== 'string') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { topic, site, subject, number, data } = Object(value) as Record<string, unknown>
  if (topic !== rumour.topic || subject !== rumour.subject || number !== rumour.number) return undefined
  if (typeof site !== 'string' || !signatures.verify(site, text, signature)) return undefined
  return { site, subject: rumour.subject, number: rumour.number, data }
}
