/** The name that a host has in the cloud. */

import type { SiteFile } from './site-file.ts'

/** A host's own name is unique at its site; the site's name makes it unique in the cloud. */
export function hostNameOf({ site }: Pick<SiteFile, 'site'>, name: string): string {
  return name.startsWith(`${site}-`) ? name : `${site}-${name}`
}
