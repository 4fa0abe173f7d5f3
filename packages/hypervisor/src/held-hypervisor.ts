/** A driver of a host that several processes can reach, for the one that has it: opened by `hold`, closed by `letGo`. */

import type { Logger } from '@atoll/kit'
import { HypervisorClosed } from './errors.ts'
import { GuestListeners } from './guest-listeners.ts'
import type {
  ConsoleOptions,
  GuestListener,
  GuestSpec,
  GuestState,
  HostResources,
  Hypervisor,
  StopOptions,
} from './hypervisor.ts'

export interface HeldHypervisorOptions {
  readonly kind: string
  /** Finds the guests that the former process left, as every driver does. Never called while one is open. */
  readonly open: () => Promise<Hypervisor>
  readonly log: Logger
}

/** Between `letGo` and `hold` every operation throws HypervisorClosed; subscriptions last. */
export class HeldHypervisor implements Hypervisor {
  readonly kind: string
  readonly #open: () => Promise<Hypervisor>
  readonly #listeners: GuestListeners
  #driver: Hypervisor | undefined
  #unsubscribe: (() => void) | undefined

  constructor({ kind, open, log }: HeldHypervisorOptions) {
    this.kind = kind
    this.#open = open
    this.#listeners = new GuestListeners(log)
  }

  /** Callers must have made sure that no other process has the host, and call it again only after `letGo`. */
  async hold(): Promise<void> {
    const driver = await this.#open()
    this.#unsubscribe = driver.subscribe((event) => this.#listeners.emit(event))
    this.#driver = driver
  }

  async letGo(): Promise<void> {
    const driver = this.#driver
    this.#driver = undefined
    this.#unsubscribe?.()
    await driver?.close()
  }

  describe(): Promise<HostResources> {
    return this.#held((driver) => driver.describe())
  }

  list(): Promise<readonly GuestState[]> {
    return this.#held((driver) => driver.list())
  }

  get(id: string): Promise<GuestState | undefined> {
    return this.#held((driver) => driver.get(id))
  }

  specOf(id: string): Promise<GuestSpec | undefined> {
    return this.#held((driver) => driver.specOf(id))
  }

  start(spec: GuestSpec): Promise<void> {
    return this.#held((driver) => driver.start(spec))
  }

  stop(id: string, options: StopOptions): Promise<void> {
    return this.#held((driver) => driver.stop(id, options))
  }

  reboot(id: string, options: StopOptions): Promise<void> {
    return this.#held((driver) => driver.reboot(id, options))
  }

  destroy(id: string): Promise<void> {
    return this.#held((driver) => driver.destroy(id))
  }

  consoleOutput(id: string, options?: ConsoleOptions): Promise<string> {
    return this.#held((driver) => driver.consoleOutput(id, options))
  }

  subscribe(listener: GuestListener): () => void {
    return this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    await this.letGo()
    this.#listeners.clear()
  }

  async #held<Result>(use: (driver: Hypervisor) => Promise<Result>): Promise<Result> {
    if (!this.#driver) throw HypervisorClosed({})
    return use(this.#driver)
  }
}
