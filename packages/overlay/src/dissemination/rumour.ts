/** News that every site shall hear: who it is about, how new it is, and what it says, signed by whoever may say it. */

export interface Rumour {
  /** Names the rules by which it is judged. */
  readonly topic: string
  /** Whom or what it is about; of each subject of a topic only the newest counts. */
  readonly subject: string
  /** Rises with each rumour of a subject. */
  readonly number: number
  /** For the topic to check: nothing of it was verified when it arrives. */
  readonly body: unknown
}

/** The rules of one kind of rumour. */
export interface Topic {
  readonly name: string
  /** Urgent ones are passed on at once, the others with the next batch. */
  readonly isUrgent: boolean
  /** Passed on to so many times the fanout: 2 for what is rare and must miss nobody in its first wave. Default: 1. */
  readonly waves?: number
  /** Kept ones are reconciled, so that those who missed it hear of it later; the others are forgotten. */
  readonly isKept: boolean
  /**
   * Judges a rumour that is newer than what is kept of its subject; of a topic that is not kept, each one. True when it
   * is genuine and was not known: it is then passed on. `old` when it is genuine and changes nothing: it is kept, so that
   * two sites which agree have the same.
   */
  readonly accept: (rumour: Rumour) => boolean | 'old'
}

export const SUBJECT_MAX = 160

/** True when a value from another site has the form of a rumour. */
export function isRumour(value: unknown): value is Rumour {
  const { topic, subject, number } = Object(value) as Partial<Record<keyof Rumour, unknown>>
  return (
    typeof topic === 'string' &&
    typeof subject === 'string' &&
    subject.length <= SUBJECT_MAX &&
    Number.isSafeInteger(number)
  )
}
