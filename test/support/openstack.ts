/** Debian's own `openstack`, unmodified, as a user of one site would run it. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { LocalCloud } from '@atoll/cli'

/** A command that waits for a guest; nothing here takes longer. */
const TIMEOUT_MS = 180_000

export interface OpenStack {
  /** Runs `openstack ARGS -f json` and parses what it prints. */
  json<T>(...args: readonly string[]): Promise<T>
  /** Runs `openstack ARGS` and returns what it prints. */
  text(...args: readonly string[]): Promise<string>
}

/** The client with the administrator's credentials, talking to `site` only. Rejects with its words when it fails. */
export function openstackAt(cloud: LocalCloud, site: string): OpenStack {
  const env = {
    ...process.env,
    OS_AUTH_URL: `${cloud.peer(site).apiUrl}/identity/v3`,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: 'admin',
    OS_PASSWORD: cloud.adminPassword,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
  }
  const text = async (...args: readonly string[]) => {
    const options = { env, timeout: TIMEOUT_MS, maxBuffer: 8 << 20 }
    try {
      return (await promisify(execFile)('openstack', [...args], options)).stdout
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string }
      throw new Error(`openstack ${args.join(' ')} at ${site}: ${stderr?.trim() || message}`)
    }
  }
  return { text, json: async (...args) => JSON.parse(await text(...args, '-f', 'json')) }
}
