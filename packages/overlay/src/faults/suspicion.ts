/**
 * What is held against one site: who missed it, each signed, so that nobody is buried on one site's word, and nobody can
 * be made to say it. That a site is dead is never told: each concludes it for itself, from a case that several have
 * signed and a probe of its own.
 */

/** What a suspicion says; the text is signed by `by`. */
export interface SuspicionClaim {
  readonly suspect: string
  /** The descriptor of the suspect that was current: a newer one answers the suspicion. */
  readonly incarnation: number
  readonly by: string
}

export interface SignedSuspicion {
  readonly text: string
  readonly signature: string
}

/** A suspicion as it came, its claim read and its signature not yet verified. */
export type ReadSuspicion = SuspicionClaim & SignedSuspicion

export function suspicionText({ suspect, incarnation, by }: SuspicionClaim): string {
  return JSON.stringify({ type: 'suspicion', suspect, incarnation, by })
}

/** What a value claims, or undefined when it has another form. Callers verify the signature. */
export function readSuspicion(value: unknown): ReadSuspicion | undefined {
  const { text, signature } = Object(value) as Partial<Record<keyof SignedSuspicion, unknown>>
  if (typeof text !== 'string' || text.length > 512 || typeof signature !== 'string') return undefined
  let claim: unknown
  try {
    claim = JSON.parse(text)
  } catch {
    return undefined
  }
  const { type, suspect, incarnation, by } = Object(claim) as Record<string, unknown>
  if (type !== 'suspicion' || typeof suspect !== 'string' || typeof by !== 'string') return undefined
  if (!Number.isSafeInteger(incarnation)) return undefined
  return { suspect, incarnation: Number(incarnation), by, text, signature }
}

/** The suspicions of a case that were made for one suspect and incarnation by different sites; at most eight. */
export function readCase(body: unknown, suspect: string, incarnation: number): readonly ReadSuspicion[] {
  const { suspicions } = Object(body) as { suspicions?: unknown }
  if (!Array.isArray(suspicions)) return []
  const bySite = new Map<string, ReadSuspicion>()
  for (const value of suspicions.slice(0, 8)) {
    const read = readSuspicion(value)
    if (read?.suspect === suspect && read.incarnation === incarnation) bySite.set(read.by, read)
  }
  return [...bySite.values()]
}
