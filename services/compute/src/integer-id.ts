/** Numbers for what Nova once numbered: older versions of its API have integers where records have UUIDs. */

/** The first 48 bits of a UUID: the same at every site, without a counter that all would have to share. */
export function integerIdOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}
