/** What is there before the workload begins: projects with a member each, flavors, an image and a network. */

import { bodyText, checkReply, type Json, objectIn, type Reply, type RequestOptions } from '../client.ts'
import type { SimulatedCloud } from '../simulated-cloud.ts'
import { ADMIN_PASSWORD, type SimulatedSite } from '../site/simulated-site.ts'

export interface Tenant {
  readonly projectId: string
  readonly userId: string
  readonly userName: string
  readonly password: string
  /** Good at every site for an hour. */
  readonly token: string
  readonly networkId: string
}

export interface Estate {
  readonly adminToken: string
  readonly tenants: readonly Tenant[]
  readonly flavorIds: readonly string[]
  readonly imageId: string
}

export const FLAVORS = [
  { id: 'tiny', vcpus: 1, ram: 512, disk: 1 },
  { id: 'small', vcpus: 2, ram: 2048, disk: 5 },
] as const

/** Of every image that is uploaded: not a multiple of anything. */
export const IMAGE_BYTES = 3001

/** Makes the estate at the founding site, before anything goes wrong. @throws Error when the cloud refuses */
export async function buildEstate(cloud: SimulatedCloud, tenants: number): Promise<Estate> {
  const site = cloud.founder
  const must = async (request: RequestOptions): Promise<Reply> => {
    const reply = await cloud.request(site, request)
    checkReply(reply, `${request.method} ${request.path}`)
    if (reply.kind === 'lost' || reply.status >= 300)
      throw new Error(`${request.method} ${request.path} failed: ${bodyText(reply)}`)
    return reply
  }
  const adminToken = await login(cloud, site, adminCredentials)
  const token = adminToken
  for (const { id, ...size } of FLAVORS)
    await must({
      method: 'POST',
      path: '/compute/v2.1/flavors',
      token,
      body: { flavor: { id, name: id, ...size } },
    })
  const roles = await must({ method: 'GET', path: '/identity/v3/roles?name=member', token })
  const [member] = (JSON.parse(roles.kind === 'lost' ? '{}' : roles.body.toString()) as { roles: Json[] })
    .roles
  const built: Tenant[] = []
  for (let index = 0; index < tenants; index++)
    built.push(await buildTenant({ cloud, must, adminToken, memberId: String(member?.id), index }))
  const image = await must({
    method: 'POST',
    path: '/image/v2/images',
    token,
    body: { name: 'cirros', disk_format: 'raw', container_format: 'bare', visibility: 'public' },
  })
  const imageId = String((JSON.parse(image.kind === 'lost' ? '{}' : image.body.toString()) as Json).id)
  await must({
    method: 'PUT',
    path: `/image/v2/images/${imageId}/file`,
    token,
    body: Buffer.alloc(IMAGE_BYTES, 'image of the estate'),
  })
  return { adminToken, tenants: built, flavorIds: FLAVORS.map(({ id }) => id), imageId }
}

interface Building {
  readonly cloud: SimulatedCloud
  readonly must: (request: RequestOptions) => Promise<Reply>
  readonly adminToken: string
  readonly memberId: string
  readonly index: number
}

async function buildTenant({ cloud, must, adminToken, memberId, index }: Building): Promise<Tenant> {
  const [projectName, userName, password] = [projectNameOf(index), `tenant-user-${index}`, `secret ${index}`]
  const make = async (path: string, kind: string, attributes: object, token = adminToken) =>
    String(objectIn(await must({ method: 'POST', path, token, body: { [kind]: attributes } }), kind).id)
  const projectId = await make('/identity/v3/projects', 'project', {
    name: projectName,
    domain_id: 'default',
  })
  const userId = await make('/identity/v3/users', 'user', { name: userName, password, domain_id: 'default' })
  await must({
    method: 'PUT',
    path: `/identity/v3/projects/${projectId}/users/${userId}/roles/${memberId}`,
    token: adminToken,
  })
  const token = await login(cloud, cloud.founder, { userName, password, projectName })
  const networkId = await make('/network/v2.0/networks', 'network', { name: `net-of-${index}` }, token)
  const subnet = { network_id: networkId, ip_version: 4, cidr: `10.${index}.0.0/24` }
  await make('/network/v2.0/subnets', 'subnet', subnet, token)
  return { projectId, userId, userName, password, token, networkId }
}

export interface Credentials {
  readonly userName: string
  readonly password: string
  readonly projectName: string
}

export const adminCredentials: Credentials = {
  userName: 'admin',
  password: ADMIN_PASSWORD,
  projectName: 'admin',
}

/** Of the member of a tenant's project. */
export function credentialsOf({ userName, password }: Tenant, index: number): Credentials {
  return { userName, password, projectName: projectNameOf(index) }
}

function projectNameOf(index: number): string {
  return `tenant-${index}`
}

export function loginRequest({ userName, password, projectName }: Credentials): RequestOptions {
  const domain = { id: 'default' }
  return {
    method: 'POST',
    path: '/identity/v3/auth/tokens',
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { name: userName, domain, password } } },
        scope: { project: { name: projectName, domain } },
      },
    },
  }
}

/** A token's text. @throws Error when the login fails */
export async function login(
  cloud: SimulatedCloud,
  site: SimulatedSite,
  credentials: Credentials,
): Promise<string> {
  const reply = await cloud.request(site, loginRequest(credentials))
  if (reply.kind === 'lost' || reply.status !== 201)
    throw new Error(`login at ${site.name} failed: ${bodyText(reply)}`)
  return String(reply.headers['x-subject-token'])
}
