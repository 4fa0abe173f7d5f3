/** Who this site is: `site.json`, written once, when the site is founded or has joined. */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateBody } from '@atoll/http'
import { defineError } from '@atoll/kit'
import { type Static, Type } from 'typebox'

export const SiteFileSchema = Type.Object({
  cloud: Type.String(),
  site: Type.String(),
  code: Type.Integer({ minimum: 1, maximum: 65535 }),
  /** The site that founded the cloud: the only one trusted with the default domain before its record has come. */
  founder: Type.String(),
  /** Whom to ask first for the others. */
  contacts: Type.Array(
    Type.Object({
      name: Type.String(),
      addresses: Type.Array(Type.Object({ host: Type.String(), port: Type.Integer() })),
    }),
  ),
})

export type SiteFile = Static<typeof SiteFileSchema>

export const SiteMissing = defineError({
  code: 'peer.site.missing',
  status: 404,
  fault: 'itemNotFound',
  message: ({ dataDirectory }: { dataDirectory: string }) =>
    `There is no site in ${dataDirectory}. Found a cloud with: atoll peer --data ${dataDirectory} --found NAME --site NAME, or join one with: atoll join`,
})

export const SiteCorrupt = defineError({
  code: 'peer.site.corrupt',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ path }: { path: string }) =>
    `${path} is damaged. Restore it from a copy; the keys beside it belong to it.`,
})

const pathOf = (dataDirectory: string) => join(dataDirectory, 'site.json')

export function hasSite(dataDirectory: string): boolean {
  return existsSync(pathOf(dataDirectory))
}

/** @throws SiteMissing, SiteCorrupt */
export function readSiteFile(dataDirectory: string): SiteFile {
  const path = pathOf(dataDirectory)
  if (!existsSync(path)) throw SiteMissing({ dataDirectory })
  try {
    return validateBody(SiteFileSchema, JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw SiteCorrupt({ path }, { cause: error })
  }
}

/** Writes the file as a whole: a crash leaves either none or all of it. */
export function writeSiteFile(dataDirectory: string, file: SiteFile): void {
  const path = pathOf(dataDirectory)
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}
