/** What every API answers: methods, paths, policy rules and microversions, from the `Api` values of the services. */

import { existsSync, globSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Api, Endpoint } from '@atoll/http'
import { code, page, table } from './markdown.ts'

const INTRODUCTION = `Paths are below the API's prefix. A rule is checked against the token before anything else of a request; its default
is written as in OpenStack's policy files, and an endpoint without one is open to all. *Writes* says whether the request is
carried out at the home of what it changes (see [ARCHITECTURE](../../ARCHITECTURE.md)).`

/** @param projectHome root of the checkout, with a final slash */
export async function endpointsPage(projectHome: string): Promise<string> {
  const sections: string[] = []
  for (const path of globSync('services/*/src/index.ts', { cwd: projectHome }).sort()) {
    if (!existsSync(projectHome + path)) continue
    const exported = (await import(pathToFileURL(projectHome + path).href)) as Readonly<
      Record<string, unknown>
    >
    for (const [name, create] of Object.entries(exported))
      if (/^create\w+Api$/.test(name) && typeof create === 'function')
        sections.push(section(path.split('/')[1] ?? '', (await create(nothing)) as Api))
  }
  return page('Endpoints', INTRODUCTION, ...sections)
}

function section(service: string, api: Api): string {
  const { microversions } = api
  const versions = microversions
    ? `\n\nMicroversions of \`${microversions.serviceType}\`: ${microversions.min} to ${microversions.max}.`
    : ''
  const endpoints = [...api.endpoints].sort((left, right) => (order(left) < order(right) ? -1 : 1))
  const rows = endpoints.map((endpoint) => [
    endpoint.method,
    code(endpoint.path),
    code(endpoint.rule ?? undefined),
    versionsOf(endpoint),
    endpoint.writes ? 'at the home' : '',
  ])
  const rules = Object.entries(api.rules).map(([name, rule]) => [code(name), code(rule)])
  return [
    `## ${service}: \`${api.prefix}\`${versions}`,
    table(['method', 'path', 'rule', 'microversions', 'writes'], rows),
    `### Rules of ${service}`,
    table(['rule', 'default'], rules),
  ].join('\n\n')
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

function order({ path, method, since = '' }: Endpoint): string {
  return `${path} ${METHODS.indexOf(method)} ${since.padStart(8)}`
}

function versionsOf({ since, until }: Endpoint): string {
  if (since === undefined && until === undefined) return ''
  return until === undefined ? `${since} and later` : `${since ?? 'first'} to ${until}`
}

/**
 * Stands for everything that a service is given. Endpoints are values and their handlers do not run here, so that
 * nothing is asked of it but to be passed on.
 */
const nothing: never = new Proxy(() => {}, {
  get: (_target, key) => (typeof key === 'symbol' || key === 'then' ? undefined : nothing),
  apply: () => nothing,
}) as never
