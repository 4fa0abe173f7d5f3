/** One direction of the WAN between two hosts: a queue in which every frame waits for its time, in order of arrival. */

import { fraction, type Random } from '@atoll/kit'

export interface WanLinkSettings {
  /** One way. */
  readonly delayMs: number
  /** Each frame waits up to so much longer, evenly spread. Frames do not overtake one another. */
  readonly jitterMs: number
  /** Chance of a frame to be lost, in [0, 1]; each on its own. */
  readonly lossRatio: number
  readonly isCut: boolean
}

/** Frames since the lab was made. Every frame offered is counted once, or still waits. */
export interface WanLinkCounters {
  readonly forwarded: number
  /** Thrown away by `lossRatio`. */
  readonly lost: number
  /** Thrown away by a cut. */
  readonly cut: number
  /** Thrown away because the queue was full. */
  readonly overflowed: number
  readonly waiting: number
}

/** 100 ms at 160 000 frames per second, or 24 MB in full frames. */
const FRAMES_WAITING_MAX = 16_384

export class WanLink {
  readonly #random: Random
  #settings: WanLinkSettings
  #frames: { readonly frame: Uint8Array; readonly dueMs: number }[] = []
  // Frames before this place have left; cutting them off one by one would cost a copy of the queue each time.
  #head = 0
  #lastDueMs = 0
  #forwarded = 0
  #lost = 0
  #cut = 0
  #overflowed = 0

  constructor(settings: WanLinkSettings, random: Random) {
    this.#settings = settings
    this.#random = random
  }

  /** When the first waiting frame is due, on the clock of `offer`; Infinity when none waits. */
  get nextDueMs(): number {
    return this.#frames[this.#head]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get counters(): WanLinkCounters {
    return {
      forwarded: this.#forwarded,
      lost: this.#lost,
      cut: this.#cut,
      overflowed: this.#overflowed,
      waiting: this.#frames.length - this.#head,
    }
  }

  /** Takes effect for frames still to come; a cut also throws away what is on its way. */
  change(changes: Partial<WanLinkSettings>): void {
    this.#settings = { ...this.#settings, ...changes }
    if (!this.#settings.isCut) return
    this.#cut += this.#frames.length - this.#head
    this.#frames = []
    this.#head = 0
  }

  /** A frame enters at `nowMs`, which must never go back. */
  offer(frame: Uint8Array, nowMs: number): void {
    const { delayMs, jitterMs, lossRatio, isCut } = this.#settings
    if (isCut) this.#cut++
    else if (lossRatio > 0 && fraction(this.#random) < lossRatio) this.#lost++
    else if (this.#frames.length - this.#head >= FRAMES_WAITING_MAX) this.#overflowed++
    else {
      const jitter = jitterMs > 0 ? fraction(this.#random) * jitterMs : 0
      this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs + jitter)
      this.#frames.push({ frame, dueMs: this.#lastDueMs })
    }
  }

  /** Hands over every frame that is due at `nowMs`, oldest first. */
  release(nowMs: number, send: (frame: Uint8Array) => void): void {
    while (this.nextDueMs <= nowMs) {
      const next = this.#frames[this.#head++]
      if (next === undefined) break
      this.#forwarded++
      send(next.frame)
    }
    if (this.#head * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#head)
      this.#head = 0
    }
  }
}
