/**
 * Revocations as urgent news: a site that is shut out is so within a second wherever gossip reaches, from one site to the
 * next, also where nobody reaches the site that wrote the record. The record follows in the feed, and lasts.
 */

import { type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import { signedRumour, signedTopic } from '@atoll/overlay'
import type { Directory } from '../directory.ts'
import type { PeerOverlay } from './peer-overlay.ts'

export interface RevocationNewsOptions {
  readonly site: string
  readonly overlay: PeerOverlay
  readonly directory: Directory
  readonly clock: Clock
  readonly log: Logger
}

const TOPIC = 'site-revocation'
/** Fits into a datagram; those that are left out are back when the record comes. */
const KEPT_MAX = 50
/** The overlay may have begun to run meanwhile. */
const INTERVAL_MS = 10_000

export class RevocationNews implements Service {
  readonly name = 'news of revocations'
  readonly #options: RevocationNewsOptions
  readonly #told = new Set<string>()

  constructor(options: RevocationNewsOptions) {
    this.#options = options
    const { site, overlay, directory, log } = options
    const topic = signedTopic({
      name: TOPIC,
      isUrgent: true,
      signatures: overlay.signatures,
      mayTell: (teller) => directory.isTrusted(teller),
      onNews: ({ site: home, subject, data }) => {
        if (subject === site) return
        void directory
          .hearOfRevocation({ site: subject, kept: readKept(data), home })
          .catch((error: unknown) => log.warn({ site: subject, err: error }, 'a revocation was not taken in'))
      },
    })
    overlay.addTopic(topic)
  }

  /** Tells what is revoked as soon as this site knows it, if it is one whose word counts. */
  async run(signal: AbortSignal): Promise<void> {
    const { directory, clock, log } = this.#options
    const pass = async () => this.#tell()
    const teller = new Reconciler({ name: this.name, clock, log, intervalMs: INTERVAL_MS, pass })
    const stop = directory.onChange(() => teller.poke())
    await teller.run(signal)
    stop()
  }

  #tell(): void {
    const { site: own, overlay, directory } = this.#options
    if (!directory.isTrusted(own)) return
    for (const { site, kept } of directory.revocations) {
      if (this.#told.has(site)) continue
      // Nothing is added to it later: one number is enough, and who knows it passes it on no more.
      const data = { kept: kept.slice(0, KEPT_MAX) }
      const rumour = signedRumour(overlay.signatures, { topic: TOPIC, subject: site, number: 1, data })
      if (overlay.tell(rumour)) this.#told.add(site)
    }
  }
}

function readKept(data: unknown): readonly string[] {
  const { kept } = Object(data) as { kept?: unknown }
  return Array.isArray(kept) ? kept.filter((name) => typeof name === 'string') : []
}
