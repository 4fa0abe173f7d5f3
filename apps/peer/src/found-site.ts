/** How a data directory comes into being: a new cloud with its first site, or a new site of an existing cloud. */

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { validateBody } from '@atoll/http'
import { defineError, systemClock, systemRandom } from '@atoll/kit'
import { completeJoin, createJoinRequest, foundCloud, KeyStore, requestJoin } from '@atoll/overlay'
import { Type } from 'typebox'
import { type Settings, writeSettings } from './settings.ts'
import { hasSite, type SiteFile, writeSiteFile } from './site-file.ts'

export const SiteExists = defineError({
  code: 'peer.site.exists',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ dataDirectory }: { dataDirectory: string }) =>
    `${dataDirectory} holds a site already. Start it with: atoll peer --data ${dataDirectory}`,
})

export const JoinAddressInvalid = defineError({
  code: 'peer.join.address_invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ url }: { url: string }) =>
    `${url} is no address to join at. Give the peer address of a site, such as https://192.0.2.7:8775`,
})

export interface NewSite {
  readonly dataDirectory: string
  readonly siteName: string
  readonly settings: Settings
  /** Of its first peer; default: the name of the machine. */
  readonly peerName?: string
}

/** The founding site's number in the ids that it mints. */
const FOUNDER_CODE = 1

export const keysDirectory = (dataDirectory: string) => join(dataDirectory, 'keys')
const passwordPath = (dataDirectory: string) => join(dataDirectory, 'admin-password')

/** Founds a cloud whose first site is this one. @throws SiteExists, NameInvalid */
export async function foundSite(
  options: NewSite & { readonly cloudName: string; readonly adminPassword?: string },
): Promise<void> {
  const { dataDirectory, siteName, cloudName, settings } = options
  prepareDirectory(dataDirectory)
  const issue = { clock: systemClock, random: systemRandom }
  const keys = await foundCloud({
    ...issue,
    cloudName,
    siteName,
    siteCode: FOUNDER_CODE,
    peerName: options.peerName ?? machineName(),
  })
  const password = options.adminPassword ?? randomBytes(15).toString('base64url')
  writeFileSync(passwordPath(dataDirectory), `${password}\n`, { mode: 0o600, flush: true })
  writeSettings(dataDirectory, settings)
  await KeyStore.create(keysDirectory(dataDirectory), keys)
  writeSiteFile(dataDirectory, {
    cloud: cloudName,
    site: siteName,
    code: FOUNDER_CODE,
    founder: siteName,
    contacts: [],
  })
}

const Welcome = Type.Object({
  siteCode: Type.Integer({ minimum: 1, maximum: 65535 }),
  founder: Type.String(),
  admittedBy: Type.String(),
  sites: Type.Array(
    Type.Object({
      name: Type.String(),
      addresses: Type.Array(Type.Object({ host: Type.String(), port: Type.Integer() })),
    }),
  ),
})

/**
 * Joins the cloud whose peer answers at `url`. When the answer is lost, the same call may be made again only with
 * another token: the key of this try was not kept.
 * @throws SiteExists, JoinAddressInvalid, and what `requestJoin` and `completeJoin` throw
 */
export async function joinCloud(
  options: NewSite & { readonly url: string; readonly token: string },
): Promise<SiteFile> {
  const { dataDirectory, siteName, settings, token } = options
  const address = parseJoinAddress(options.url)
  prepareDirectory(dataDirectory)
  const pending = await createJoinRequest({ token, siteName })
  const answer = await requestJoin({ address, pending, clock: systemClock })
  const issue = { clock: systemClock, random: systemRandom }
  const keys = await completeJoin({ ...issue, pending, answer, peerName: options.peerName ?? machineName() })
  const { siteCode, founder, admittedBy, sites } = validateBody(Welcome, answer)
  writeSettings(dataDirectory, settings)
  const { identity } = await KeyStore.create(keysDirectory(dataDirectory), keys)
  const others = sites.filter(({ name }) => name !== siteName && name !== admittedBy)
  const file = {
    cloud: identity.cloud,
    site: siteName,
    code: siteCode,
    founder,
    // The address that just answered comes first, whatever the site says of itself.
    contacts: [
      {
        name: admittedBy,
        addresses: [address, ...(sites.find(({ name }) => name === admittedBy)?.addresses ?? [])],
      },
      ...others,
    ],
  }
  writeSiteFile(dataDirectory, file)
  return file
}

/** The first administrator's password at the founding site; undefined where this site did not found the cloud. */
export function readAdminPassword(dataDirectory: string): string | undefined {
  const path = passwordPath(dataDirectory)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}

export function prepareDirectory(dataDirectory: string): void {
  if (hasSite(dataDirectory)) throw SiteExists({ dataDirectory })
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
}

/** The name of this machine, as a peer may bear it. */
export function machineName(): string {
  return (
    hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 40) || 'peer'
  )
}

export function parseJoinAddress(url: string): { host: string; port: number } {
  try {
    const { protocol, hostname: host, port } = new URL(url)
    if (protocol !== 'https:' || host === '' || port === '') throw JoinAddressInvalid({ url })
    return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) }
  } catch (error) {
    throw JoinAddressInvalid.is(error) ? error : JoinAddressInvalid({ url }, { cause: error })
  }
}
