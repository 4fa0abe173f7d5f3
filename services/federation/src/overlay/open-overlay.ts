/** Makes the overlay of a peer from what its federation has. */

import { type KeyRing, OverlaySignatures, type Signatures } from '@atoll/overlay'
import type { SelfDescription } from '../describe-self.ts'
import { PeerOverlay, type PeerOverlayOptions } from './peer-overlay.ts'

export interface OpenOverlayOptions extends Omit<PeerOverlayOptions, 'signatures' | 'addresses'> {
  readonly keys: () => KeyRing
  readonly self: SelfDescription
  readonly describeSite?: () => SelfDescription
  readonly signatures?: (isRevoked: (site: string) => boolean) => Signatures
}

export function openOverlay(options: OpenOverlayOptions): PeerOverlay {
  const { keys, state, clock, directory, self, describeSite = () => self, signatures } = options
  const isRevoked = (site: string) => directory.isRevoked(site)
  return new PeerOverlay({
    ...options,
    signatures:
      signatures?.(isRevoked) ?? new OverlaySignatures({ site: state.site.name, keys, clock, isRevoked }),
    addresses: () => describeSite().addresses,
  })
}
