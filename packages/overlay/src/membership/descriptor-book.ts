/** Verifies descriptors, once each: the same ones come by again and again, and a signature costs a tenth of a millisecond. */

import type { Signatures } from '../protocol/signatures.ts'
import type { Address } from '../transport/dial.ts'
import {
  type Descriptor,
  descriptorText,
  isSignedDescriptor,
  type PlannedState,
  parseDescriptorText,
} from './descriptor.ts'

/** Verified ones that are remembered: two for each of 10,000 sites. The oldest is forgotten first. */
const REMEMBERED_MAX = 20_000

export class DescriptorBook {
  readonly #signatures: Signatures
  readonly #verified = new Map<string, Descriptor>()
  #refused = 0

  constructor(signatures: Signatures) {
    this.#signatures = signatures
  }

  /** How many were refused: somebody forges, or speaks for a site that the cloud does not know. */
  get refused(): number {
    return this.#refused
  }

  /** The descriptor in `value`, which came from another site, or undefined when it is not genuine. */
  read(value: unknown): Descriptor | undefined {
    const { signature } = Object(value) as { signature?: unknown }
    // What was verified under this signature counts, whatever else the copy at hand says.
    const known = typeof signature === 'string' ? this.#verified.get(signature) : undefined
    return known ?? this.#verify(value)
  }

  /** Signs what this site says of itself. */
  issue(own: {
    readonly addresses: readonly Address[]
    readonly incarnation: number
    readonly state: PlannedState
  }): Descriptor {
    const { site, credential } = this.#signatures
    const text = descriptorText({ site, ...own })
    const signed = Object.freeze({ text, signature: this.#signatures.sign(text), credential })
    const contact = Object.freeze({ site, addresses: own.addresses })
    return this.#remember({ contact, incarnation: own.incarnation, state: own.state, signed })
  }

  #verify(value: unknown): Descriptor | undefined {
    const claim = isSignedDescriptor(value) ? parseDescriptorText(value.text) : undefined
    if (!isSignedDescriptor(value) || !claim || !this.#isGenuine(claim.site, value)) {
      this.#refused++
      return undefined
    }
    const { site, addresses, incarnation, state } = claim
    const { text, signature, credential } = value
    const contact = Object.freeze({ site, addresses })
    const signed = Object.freeze({ text, signature, credential })
    return this.#remember({ contact, incarnation, state, signed })
  }

  #isGenuine(site: string, signed: { text: string; signature: string; credential: string }): boolean {
    const { text, signature, credential } = signed
    return this.#signatures.admit(site, credential) && this.#signatures.verify(site, text, signature)
  }

  #remember(descriptor: Descriptor): Descriptor {
    if (this.#verified.size >= REMEMBERED_MAX) {
      for (const oldest of this.#verified.keys()) {
        this.#verified.delete(oldest)
        break
      }
    }
    const frozen = Object.freeze(descriptor)
    this.#verified.set(descriptor.signed.signature, frozen)
    return frozen
  }
}
