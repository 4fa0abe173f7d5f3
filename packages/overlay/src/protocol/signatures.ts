/** Who said what: the one thing about trust that the protocols need to know. */

export interface Signatures {
  /** The site that `sign` signs for. */
  readonly site: string
  /** What others need once to verify this site: travels with its descriptor. */
  readonly credential: string
  sign(text: string): string
  /**
   * Learns the key of `site` from what travelled with its descriptor; false when the cloud does not vouch for it, or
   * when the site is revoked.
   */
  admit(site: string, credential: string): boolean
  /** True when `site`, which was admitted, has signed `text`. */
  verify(site: string, text: string, signature: string): boolean
}
