/** `atoll openrc`: the administrator's credentials, for OpenStack's own tools. */

import { Command } from 'commander'
import { cloudsYaml, openrc } from '../client-settings.ts'
import { addDataOption } from '../data-directory.ts'
import { formatHostPort } from '../parse-values.ts'

export function openrcCommand(): Command {
  return addDataOption(new Command('openrc'))
    .description('print what the openstack client needs to reach this site as administrator')
    .option('--clouds-yaml', 'as a clouds.yaml with one entry, named after the site')
    .addHelpText(
      'after',
      `
The site that founded the cloud knows the first password; at another one, set OS_PASSWORD yourself.

Examples:
  $ eval "$(./atoll openrc)" && openstack server list
  $ ./atoll openrc --clouds-yaml > ~/.config/openstack/clouds.yaml`,
    )
    .action(async ({ data, cloudsYaml: asYaml }: { data: string; cloudsYaml?: boolean }) => {
      const { readAdminPassword, readSiteFile } = await import('@atoll/peer')
      const { site } = readSiteFile(data)
      const settings = { apiUrl: await apiUrl(data), password: readAdminPassword(data) }
      process.stdout.write(asYaml ? cloudsYaml({ [site]: settings }) : openrc(settings))
      if (settings.password === undefined)
        process.stderr.write(
          `atoll: ${site} did not found the cloud and does not know the password: set OS_PASSWORD\n`,
        )
    })
}

async function apiUrl(dataDirectory: string): Promise<string> {
  const { DEFAULT_API_PORT, readSettings } = await import('@atoll/peer')
  const { host = '127.0.0.1', port = DEFAULT_API_PORT, publicUrl } = readSettings(dataDirectory).api
  // A listener on every address is reached at the machine's own.
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return publicUrl ?? `http://${formatHostPort({ host: reached, port })}`
}
