/** Whether a site still has to ask others for entries of its view. */

import type { Cyclon, MemberTable } from '@atoll/overlay'

/** What counts of a view. */
export type ViewState = Pick<Cyclon, 'cycle'> & {
  readonly view: { readonly entries: readonly unknown[] }
  readonly settings: Pick<Cyclon['settings'], 'cacheSize'>
}

/**
 * True when the view has no need of more: in a cloud that is smaller than a view a site would ask for more for ever, and
 * each question sends twenty walks round. In its first cycle a site asks in any case, so that others have a link to it.
 */
export function isAtHome({ cycle, view, settings }: ViewState, { here }: Pick<MemberTable, 'here'>): boolean {
  const wanted = Math.min(here, settings.cacheSize) >> 1
  return cycle > 0 && here > 0 && view.entries.length >= wanted
}
