/** What OpenStack's own tools need to reach a site: `OS_*` variables, or an entry of clouds.yaml. */

import { stringify } from 'yaml'

export interface ClientSettings {
  /** Of the site's APIs: scheme, host and port. */
  readonly apiUrl: string
  /** Undefined where the user is to be asked for it. */
  readonly password: string | undefined
}

const USER = 'admin'
const PROJECT = 'admin'
const DOMAIN = 'Default'

/** Lines for a POSIX shell to evaluate. */
export function openrc({ apiUrl, password }: ClientSettings): string {
  const variables: readonly (readonly [string, string])[] = [
    ['OS_AUTH_TYPE', 'password'],
    ['OS_AUTH_URL', authUrl(apiUrl)],
    ['OS_IDENTITY_API_VERSION', '3'],
    ['OS_USERNAME', USER],
    ['OS_USER_DOMAIN_NAME', DOMAIN],
    ['OS_PROJECT_NAME', PROJECT],
    ['OS_PROJECT_DOMAIN_NAME', DOMAIN],
    ...(password === undefined ? [] : [['OS_PASSWORD', password] as const]),
  ]
  return variables.map(([name, value]) => `export ${name}=${quote(value)}\n`).join('')
}

/** The text of a clouds.yaml with one entry for each name. */
export function cloudsYaml(clouds: Readonly<Record<string, ClientSettings>>): string {
  const entries = Object.entries(clouds).map(([name, { apiUrl, password }]) => [
    name,
    {
      auth: {
        auth_url: authUrl(apiUrl),
        username: USER,
        ...(password === undefined ? {} : { password }),
        user_domain_name: DOMAIN,
        project_name: PROJECT,
        project_domain_name: DOMAIN,
      },
      identity_api_version: '3',
    },
  ])
  return stringify({ clouds: Object.fromEntries(entries) as object })
}

export function authUrl(apiUrl: string): string {
  return `${apiUrl.replace(/\/+$/, '')}/identity/v3`
}

function quote(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
