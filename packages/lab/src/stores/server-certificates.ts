/** A certificate for a server of a store, signed by an authority that only tests trust. */

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireTools, runProgram } from '../run-program.ts'
import { loopbackHost, type ServerHost } from './server-host.ts'

export interface ServerCertificates {
  /** Paths of PEM files. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
  /** What clients must trust. */
  readonly authorityPem: string
}

export const certificatePackages: readonly string[] = ['openssl']

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']

/** Makes both, for the address of `host`. @throws ToolsMissing, ProgramFailed */
export async function makeServerCertificates(
  directory: string,
  host: ServerHost = loopbackHost,
): Promise<ServerCertificates> {
  await requireTools([{ program: 'openssl', debianPackage: 'openssl' }])
  mkdirSync(directory, { recursive: true })
  const [authority, authorityKey, certificate, key] = [
    'authority.pem',
    'authority-key.pem',
    'server.pem',
    'server-key.pem',
  ].map((name) => join(directory, name)) as [string, string, string, string]
  await runProgram('openssl', [
    ...['req', '-x509', ...NEW_KEY, '-subj', '/CN=authority of a test'],
    ...['-keyout', authorityKey, '-out', authority],
  ])
  await runProgram('openssl', [
    ...['req', '-x509', ...NEW_KEY, '-subj', '/CN=store', '-CA', authority, '-CAkey', authorityKey],
    ...['-addext', `subjectAltName=IP:${host.address}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', key, '-out', certificate],
  ])
  return { authority, certificate, key, authorityPem: readFileSync(authority, 'utf8') }
}
