/** The administrator's own client, for the few commands that go through the API. */

import { Connection } from '@atoll/sdk'
import { askStatus } from './admin-client.ts'
import { authUrl } from './client-settings.ts'
import { PasswordUnknown } from './errors.ts'

/**
 * Talks to the running peer of a data directory, with the password kept there or the one in `OS_PASSWORD`.
 * @throws PeerNotRunning, PasswordUnknown, RequestRefused
 */
export async function connectAdmin(dataDirectory: string): Promise<Connection> {
  const { readAdminPassword } = await import('@atoll/peer')
  const { apiUrl, site } = await askStatus(dataDirectory)
  const password = process.env.OS_PASSWORD ?? readAdminPassword(dataDirectory)
  if (password === undefined) throw PasswordUnknown({ site })
  return Connection.open({ authUrl: authUrl(apiUrl), username: 'admin', password, projectName: 'admin' })
}
