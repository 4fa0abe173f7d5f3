/** Sees all sites from above: who holds whom for cut off, and whether that is true. */

import type { OverlayRun, StateChange } from './overlay-run.ts'

export class FaultObserver {
  /** Cuts of sites that were there, and reachable. */
  falseCuts = 0
  /** Sites that were cut falsely by at least one other, each counted once per incarnation of the fault. */
  falselyCut = 0
  suspicions = 0
  readonly #run: OverlayRun
  readonly #isGone: (index: number) => boolean
  readonly #diedMs = new Map<number, number>()
  readonly #knownMs: number[] = []
  readonly #cutBy = new Map<number, Set<number>>()

  /** @param isGone whether a site that runs is away for good reason: dormant, or on another island */
  constructor(run: OverlayRun, isGone: (index: number) => boolean = () => false) {
    this.#run = run
    this.#isGone = isGone
    run.onState = (change) => this.#onState(change)
  }

  /** How long after each crash each other site knew of it. */
  get knownMs(): readonly number[] {
    return this.#knownMs
  }

  crash(index: number): void {
    this.#diedMs.set(index, this.#run.network.nowMs)
    this.#run.crash(index)
  }

  #onState({ by, of, state, before, atMs }: StateChange): void {
    if (state === 'suspect') this.suspicions++
    if (before === 'cut') this.#cutBy.get(of)?.delete(by)
    if (state !== 'cut') return
    const diedMs = this.#diedMs.get(of)
    if (!this.#run.network.isUp(of) && diedMs !== undefined) this.#knownMs.push(atMs - diedMs)
    else if (this.#run.network.isUp(of) && !this.#isGone(of)) this.#countFalse(by, of)
  }

  #countFalse(by: number, of: number): void {
    const cutBy = this.#cutBy.get(of) ?? new Set()
    this.falseCuts++
    if (cutBy.size === 0) this.falselyCut++
    this.#cutBy.set(of, cutBy.add(by))
  }
}
