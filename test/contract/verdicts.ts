/** Gathers what is wrong with many replies, so that one run of a test names all of it. */

import assert from 'node:assert/strict'

/** More would hide what the first ones say. */
const SHOWN_MAX = 40

export class Verdicts {
  readonly #failures: string[] = []
  #count = 0

  /** Runs one check; its failure is remembered and the next one goes on. */
  check(act: () => void): void {
    this.#count++
    try {
      act()
    } catch (error) {
      this.#failures.push(error instanceof Error ? error.message : String(error))
    }
  }

  /** Fails with all that failed, or when fewer than `least` checks were made: a test of nothing proves nothing. */
  conclude(least = 1): void {
    assert.ok(this.#count >= least, `only ${this.#count} checks were made`)
    const shown = this.#failures.slice(0, SHOWN_MAX).join('\n')
    assert.equal(this.#failures.length, 0, `${this.#failures.length} of ${this.#count} failed:\n${shown}`)
  }
}
