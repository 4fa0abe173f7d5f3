/**
 * Who and what there is: the administrator, a member of project `alpha`, a member of project `beta`, and one thing of
 * every kind that belongs to alpha. Whatever of it must stay between alpha and the administrator carries a mark.
 */

import assert from 'node:assert/strict'
import { sleep, systemClock } from '@atoll/kit'
import type { Request } from './contract-peer.ts'
import { type Json, jsonOf, type Reply } from './reply.ts'

/** In each name and description of alpha's: found in what beta reads, it is a leak. */
export const SECRET = 'secret-of-alpha'
export const PASSWORD = 'correct horse'
export const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEfx1cdYHJBhHhPoqUiUjSYvUVFxMrqY1mBMmhkAHhGl'

export interface Tenancy {
  readonly tokens: { readonly admin: string; readonly alpha: string; readonly beta: string }
  /** By the kind of what they name. */
  readonly ids: Readonly<Record<Kind, string>>
  readonly login: (user: {
    readonly id: string
    readonly project?: string
    readonly password?: string
  }) => Promise<string>
  /** Asks and answers with the body; fails when the request does. */
  readonly make: (request: MakeRequest) => Promise<Json>
  /** As the members of alpha made theirs: another set of what alpha may have, fresh. */
  readonly makeThings: (name: string) => Promise<Readonly<Record<Thing, string>>>
}

export type Thing =
  | 'server'
  | 'image'
  | 'network'
  | 'subnet'
  | 'port'
  | 'keypair'
  | 'flavor'
  | 'user'
  | 'project'
  | 'domain'
  | 'role'
/** What the cloud has of its own, or made by itself. */
type Own = 'service' | 'endpoint' | 'host' | 'hypervisor' | 'computeService' | 'action' | 'serverPort'
export type Kind = Thing | Own | 'adminProject' | 'alphaProject' | 'betaProject' | 'alphaUser'

export interface MakeRequest extends Omit<Request, 'body' | 'method'> {
  readonly method?: string
  readonly body?: object | Buffer
}

type Send = (request: Request) => Promise<Reply>

/** What takes its time is looked at this often, and at most so many times. */
const WAIT_MS = 5
const WAIT_TRIES_MAX = 2000

export async function found(send: Send): Promise<Tenancy> {
  const make = async ({ method = 'POST', body, ...rest }: MakeRequest): Promise<Json> => {
    const payload = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const reply = await send({ method, ...rest, body: payload })
    assert.ok(reply.status < 300, `${method} ${rest.url} → ${reply.status} ${reply.text}`)
    return reply.text === '' ? {} : jsonOf(reply)
  }
  const logIn = async (user: object, project: object): Promise<string> => {
    const identity = { methods: ['password'], password: { user } }
    const body = JSON.stringify({ auth: { identity, scope: { project } } })
    const reply = await send({ method: 'POST', url: '/identity/v3/auth/tokens', body })
    assert.equal(reply.status, 201, reply.text)
    return String(reply.headers['x-subject-token'])
  }
  const domain = { id: 'default' }
  const admin = await logIn(
    { name: 'admin', domain, password: 'admin of the reef' },
    { name: 'admin', domain },
  )
  const builder = new Builder(make, admin)
  const alphaProject = await builder.identity('project', { name: 'alpha' })
  const betaProject = await builder.identity('project', { name: 'beta' })
  const alphaUser = await builder.member('ann', alphaProject)
  const betaUser = await builder.member('bob', betaProject)
  const login: Tenancy['login'] = ({ id, project, password = PASSWORD }) =>
    logIn({ id, password }, { id: project ?? alphaProject })
  const tokens = {
    admin,
    alpha: await login({ id: alphaUser }),
    beta: await login({ id: betaUser, project: betaProject }),
  }
  const makeThings = (name: string) => builder.things(name, { token: tokens.alpha, project: alphaProject })
  const adminProject = await builder.idOf('project', 'admin')
  for (const project of [adminProject, alphaProject, betaProject]) await builder.liftQuota(project)
  const things = await makeThings(SECRET)
  const ids = {
    ...things,
    ...(await builder.others(things.server)),
    adminProject,
    alphaProject,
    betaProject,
    alphaUser,
  }
  return { tokens, ids, login, make, makeThings }
}

class Builder {
  readonly #make: Tenancy['make']
  readonly #admin: string

  constructor(make: Tenancy['make'], admin: string) {
    this.#make = make
    this.#admin = admin
  }

  /** Makes something as the administrator, and answers with its id. */
  async identity(kind: 'project' | 'user' | 'domain' | 'role', attributes: object): Promise<string> {
    const url = `/identity/v3/${kind}s`
    return idIn(await this.#make({ url, token: this.#admin, body: { [kind]: attributes } }), kind)
  }

  async idOf(kind: 'project' | 'role', name: string): Promise<string> {
    const found = await this.#get(`/identity/v3/${kind}s?name=${name}`)
    return String((found[`${kind}s`] as readonly Json[])[0]?.id)
  }

  async member(name: string, project: string): Promise<string> {
    const user = await this.identity('user', { name, password: PASSWORD })
    await this.grant(user, project)
    return user
  }

  async grant(user: string, project: string): Promise<void> {
    const role = await this.idOf('role', 'member')
    const url = `/identity/v3/projects/${project}/users/${user}/roles/${role}`
    await this.#make({ method: 'PUT', url, token: this.#admin })
  }

  async liftQuota(project: string): Promise<void> {
    const quota_set = { cores: -1, ram: -1, instances: -1, key_pairs: -1 }
    const url = `/compute/v2.1/os-quota-sets/${project}`
    await this.#make({ method: 'PUT', url, token: this.#admin, body: { quota_set } })
  }

  async things(
    name: string,
    owner: { token: string; project: string },
  ): Promise<Readonly<Record<Thing, string>>> {
    const { token, project } = owner
    const domain = await this.identity('domain', { name, enabled: false })
    const flavor = await this.#flavor(name, project)
    const network = await this.#one('network', { name }, token)
    const cidr = '10.0.0.0/16'
    const subnet = await this.#one('subnet', { name, network_id: network, cidr }, token)
    const port = await this.#one('port', { name, network_id: network, device_id: '' }, token)
    const image = await this.#image(name, token)
    const keypair = { name, public_key: PUBLIC_KEY }
    await this.#make({ url: '/compute/v2.1/os-keypairs', token, body: { keypair } })
    const user = await this.identity('user', { name, password: PASSWORD })
    await this.grant(user, project)
    const role = await this.identity('role', { name })
    const own = await this.identity('project', { name, tags: ['t'] })
    await this.#make({
      method: 'PUT',
      url: `/identity/v3/projects/${own}/users/${user}/roles/${role}`,
      token: this.#admin,
    })
    await this.#make({
      method: 'PUT',
      url: `/identity/v3/domains/${domain}/users/${user}/roles/${role}`,
      token: this.#admin,
    })
    for (const [plural, id] of Object.entries({ networks: network, subnets: subnet, ports: port }))
      await this.#make({ method: 'PUT', url: `/network/v2.0/${plural}/${id}/tags/t`, token })
    const server = await this.#server(name, { flavor, image, network, token })
    return { server, image, network, subnet, port, keypair: name, flavor, user, project: own, domain, role }
  }

  async others(server: string): Promise<Readonly<Record<Own, string>>> {
    const headers = { 'openstack-api-version': 'compute 2.60' }
    const first = async (url: string, plural: string, key = 'id') => {
      const list = (await this.#make({ method: 'GET', url, token: this.#admin, headers }))[
        plural
      ] as readonly Json[]
      return String(list[0]?.[key])
    }
    return {
      service: await first('/identity/v3/services', 'services'),
      endpoint: await first('/identity/v3/endpoints', 'endpoints'),
      host: await first('/compute/v2.1/os-services', 'services', 'host'),
      computeService: await first('/compute/v2.1/os-services', 'services'),
      serverPort: await first(`/network/v2.0/ports?device_id=${server}`, 'ports'),
      hypervisor: await first('/compute/v2.1/os-hypervisors', 'hypervisors'),
      action: await first(
        `/compute/v2.1/servers/${server}/os-instance-actions`,
        'instanceActions',
        'request_id',
      ),
    }
  }

  #get(url: string): Promise<Json> {
    return this.#make({ method: 'GET', url, token: this.#admin })
  }

  async #one(kind: 'network' | 'subnet' | 'port', attributes: object, token: string): Promise<string> {
    const url = `/network/v2.0/${kind}s`
    return idIn(
      await this.#make({ url, token, body: { [kind]: { ...attributes, description: SECRET } } }),
      kind,
    )
  }

  async #flavor(name: string, tenant: string): Promise<string> {
    const flavor = { name, ram: 16, vcpus: 1, disk: 1, 'os-flavor-access:is_public': false }
    const url = '/compute/v2.1/flavors'
    const id = idIn(await this.#make({ url, token: this.#admin, body: { flavor } }), 'flavor')
    const at = { url: `${url}/${id}`, token: this.#admin }
    await this.#make({ ...at, url: `${at.url}/action`, body: { addTenantAccess: { tenant } } })
    await this.#make({ ...at, url: `${at.url}/os-extra_specs`, body: { extra_specs: { key: SECRET } } })
    return id
  }

  async #image(name: string, token: string): Promise<string> {
    const url = '/image/v2/images'
    const body = {
      name,
      disk_format: 'raw',
      container_format: 'bare',
      visibility: 'shared',
      tags: ['t'],
      key: SECRET,
    }
    const { id } = await this.#make({ url, token, body })
    const upload = { 'content-type': 'application/octet-stream' }
    await this.#make({
      method: 'PUT',
      url: `${url}/${String(id)}/file`,
      token,
      headers: upload,
      body: Buffer.alloc(1024, 7),
    })
    await this.#make({ url: `${url}/${String(id)}/members`, token, body: { member: 'nobody' } })
    return String(id)
  }

  async #server(
    name: string,
    of: { flavor: string; image: string; network: string; token: string },
  ): Promise<string> {
    const { flavor: flavorRef, image: imageRef, network: uuid, token } = of
    const server = { name, flavorRef, imageRef, networks: [{ uuid }], metadata: { key: SECRET }, tags: ['t'] }
    const headers = { 'openstack-api-version': 'compute 2.52' }
    const id = idIn(
      await this.#make({ url: '/compute/v2.1/servers', token, headers, body: { server } }),
      'server',
    )
    await until(async () => {
      const { status } = (await this.#get(`/compute/v2.1/servers/${id}`)).server as Json
      assert.ok(status === 'ACTIVE' || status === 'BUILD', 'the server failed')
      return status === 'ACTIVE'
    })
    return id
  }
}

/** Looks again and again until it is so, within a bound. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < WAIT_TRIES_MAX; tries++) {
    if (await isSo()) return
    await sleep(systemClock, WAIT_MS)
  }
  throw new Error('it has not come to be so')
}

function idIn(body: Json, kind: string): string {
  return String((body[kind] as Json).id)
}
