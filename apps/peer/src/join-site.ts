/** How a machine becomes one more peer of a site that there is: it gets what the site's peers share, and a key of its own. */

import { validateBody } from '@atoll/http'
import { systemClock } from '@atoll/kit'
import {
  completePeerJoin,
  createPeerJoinRequest,
  JoinAnswerInvalid,
  KeyStore,
  requestJoin,
} from '@atoll/overlay'
import { type Static, Type } from 'typebox'
import { keysDirectory, machineName, parseJoinAddress, prepareDirectory } from './found-site.ts'
import { type Settings, writeSettings } from './settings.ts'
import { type SiteFile, SiteFileSchema, writeSiteFile } from './site-file.ts'

export interface NewPeer {
  readonly dataDirectory: string
  /** A store in them is used instead of the address that the site's other peers have. */
  readonly settings: Settings
  readonly url: string
  readonly token: string
  /** Default: the name of the machine. */
  readonly peerName?: string
}

const Welcome = Type.Object({ siteFile: SiteFileSchema, store: Type.String({ maxLength: 2048 }) })

/**
 * Joins the site of the peer that answers at `url`.
 * @throws SiteExists, JoinAddressInvalid, and what `requestJoin` and `completePeerJoin` throw
 */
export async function joinSite(
  options: NewPeer,
): Promise<{ readonly site: SiteFile; readonly peerName: string }> {
  const { dataDirectory, settings, token, url, peerName = machineName() } = options
  const address = parseJoinAddress(url)
  prepareDirectory(dataDirectory)
  const pending = await createPeerJoinRequest({ token, peerName })
  const answer = await requestJoin({ address, pending, clock: systemClock })
  const keys = completePeerJoin({ clock: systemClock, pending, answer })
  const { siteFile, store } = readWelcome(answer)
  writeSettings(dataDirectory, { store, ...settings })
  await KeyStore.create(keysDirectory(dataDirectory), keys)
  writeSiteFile(dataDirectory, siteFile)
  return { site: siteFile, peerName }
}

function readWelcome(answer: unknown): Static<typeof Welcome> {
  try {
    return validateBody(Welcome, answer)
  } catch {
    // A complaint would show what is in it: keys and the password of the store.
    throw JoinAnswerInvalid({ reason: 'it does not say what the site is' })
  }
}
