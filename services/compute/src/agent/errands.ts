/**
 * Long waits that hold up nobody: an image that comes over the WAN, a guest that takes its time to shut down. Whoever
 * sent for something asks again when it is told that the errand is over.
 */

export interface ErrandsOptions {
  /** Called when an errand is over and its outcome can be taken. */
  readonly onEnd: (key: string) => void
}

interface Errand<Outcome> {
  readonly purpose: string
  /** Undefined while it is under way. Answers the outcome, or throws what the errand threw. */
  take: (() => Outcome) | undefined
}

/** At most one errand for each key; one whose purpose is no longer asked for ends unheard. */
export class Errands<Outcome extends object> {
  readonly #options: ErrandsOptions
  readonly #errands = new Map<string, Errand<Outcome>>()

  constructor(options: ErrandsOptions) {
    this.#options = options
  }

  /**
   * The outcome, once, or undefined while the errand is under way. Begins it when there is none for this purpose.
   * @throws what the errand threw, once
   */
  take(key: string, purpose: string, run: () => Promise<Outcome>): Outcome | undefined {
    const present = this.#errands.get(key)
    if (present?.purpose !== purpose) {
      this.#begin(key, purpose, run)
      return undefined
    }
    if (!present.take) return undefined
    this.#errands.delete(key)
    return present.take()
  }

  /** Nobody asks for this any more. */
  forget(key: string): void {
    this.#errands.delete(key)
  }

  #begin(key: string, purpose: string, run: () => Promise<Outcome>): void {
    const errand: Errand<Outcome> = { purpose, take: undefined }
    this.#errands.set(key, errand)
    const end = (take: () => Outcome) => {
      errand.take = take
      if (this.#errands.get(key) === errand) this.#options.onEnd(key)
    }
    run().then(
      (outcome) => end(() => outcome),
      (error: unknown) =>
        end(() => {
          throw error
        }),
    )
  }
}
