/**
 * Lets one structured overlay take the place of another while services use it. The old one answers until the new one can be
 * found by others; messages of both are taken all the while, so that sites need not switch at the same moment.
 */

import { assert } from '@atoll/kit'
import type { Contact } from '../protocol/contact.ts'
import type { Message } from '../protocol/message.ts'
import type { RingKey } from './ring-key.ts'
import type { LookupListener, StructuredOverlay } from './structured-overlay.ts'

export interface SwitchableOverlayOptions {
  /** All that may ever be used, by name; their message types differ. */
  readonly overlays: Readonly<Record<string, StructuredOverlay>>
  readonly initial: string
}

export class SwitchableOverlay implements StructuredOverlay {
  readonly #overlays: Readonly<Record<string, StructuredOverlay>>
  #current: StructuredOverlay
  /** Runs, and is not ready yet. */
  #next: StructuredOverlay | undefined
  #isRunning = false

  constructor({ overlays, initial }: SwitchableOverlayOptions) {
    this.#overlays = overlays
    this.#current = this.#named(initial)
  }

  get types(): readonly string[] {
    return Object.values(this.#overlays).flatMap(({ types }) => types)
  }

  get isReady(): boolean {
    return this.#settle().isReady
  }

  get successors(): readonly Contact[] {
    return this.#settle().successors
  }

  get predecessor(): Contact | undefined {
    return this.#settle().predecessor
  }

  start(): void {
    this.#isRunning = true
    this.#current.start()
  }

  stop(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#current.stop()
    this.#next?.stop()
    this.#next = undefined
  }

  /** Starts the overlay of that name; it is used as soon as it is ready. */
  switchTo(name: string): void {
    const next = this.#named(name)
    if (next === this.#next) return
    this.#next?.stop()
    this.#next = next === this.#current ? undefined : next
    if (this.#isRunning) this.#next?.start()
  }

  receive(from: Contact, message: Message): void {
    for (const overlay of [this.#settle(), this.#next])
      if (overlay?.types.includes(message.type)) overlay.receive(from, message)
  }

  lookup(key: RingKey, found: LookupListener): void {
    this.#settle().lookup(key, found)
  }

  hear(contact: Contact): void {
    this.#settle().hear(contact)
    this.#next?.hear(contact)
  }

  delete(site: string): void {
    this.#settle().delete(site)
    this.#next?.delete(site)
  }

  /** The one in use. */
  #settle(): StructuredOverlay {
    if (this.#next?.isReady) {
      this.#current.stop()
      this.#current = this.#next
      this.#next = undefined
    }
    return this.#current
  }

  #named(name: string): StructuredOverlay {
    const overlay = this.#overlays[name]
    assert(overlay, `no structured overlay is named ${name}`)
    return overlay
  }
}
