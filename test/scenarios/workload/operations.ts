/** What clients of a cloud do, at random sites: one function for each kind of thing. */

import { pick, siteCodeOf } from '@atoll/kit'
import { jsonOf, objectIn } from '../client.ts'
import type { Thing } from '../model.ts'
import type { Actor } from './actor.ts'
import { changePower, listAllServers, renameServer, requestServer, showServer } from './servers.ts'
import { IMAGE_BYTES } from './tenants.ts'

export type Operation = (actor: Actor) => Promise<void>

const COMPUTE = '/compute/v2.1'
const NETWORK = '/network/v2.0'
const IDENTITY = '/identity/v3'
const IMAGE = '/image/v2'

const createServer: Operation = async (actor) => {
  const { tenant, index } = actor.anyTenant()
  const network = actor.chance(0.3) ? actor.anyIdle('network', index)?.id : undefined
  const zone = actor.chance(0.5) ? pick(actor.random, actor.cloud.sites).name : undefined
  await requestServer(actor, { projectIndex: index, network: { uuid: network ?? tenant.networkId }, zone })
}

/** A port of which the home may just move to where a server is made with it. */
const createServerWithPort: Operation = async (actor) => {
  const port = actor.chance(0.5) ? await createPort(actor) : actor.anyIdle('port')
  if (!port || port.isBusy) return
  const { sites } = actor.cloud
  const elsewhere = sites.filter((_, index) => index + 1 !== siteCodeOf(port.id))
  const zone = pick(actor.random, elsewhere).name
  await actor.exclusively(port, async () => {
    await requestServer(actor, { projectIndex: port.projectIndex, network: { port: port.id }, zone })
  })
}

const listAnything: Operation = async (actor) => {
  const { tenant } = actor.anyTenant()
  const path = pick(actor.random, [
    `${NETWORK}/networks`,
    `${NETWORK}/ports`,
    `${NETWORK}/subnets`,
    `${IMAGE}/images`,
    `${COMPUTE}/flavors/detail`,
    `${COMPUTE}/os-availability-zone`,
    `${COMPUTE}/limits`,
    `${COMPUTE}/os-keypairs`,
    `${IDENTITY}/auth/catalog`,
  ])
  const { reply } = await actor.ask({ method: 'GET', path, token: tenant.token })
  if (reply.kind === 'answered' && reply.status !== 200)
    throw new Error(`${path} was answered ${reply.status}: ${reply.body.toString().slice(0, 300)}`)
}

const authenticate: Operation = async (actor) => {
  await actor.login()
}

/** A token that is issued at one site and revoked at another, which need not have heard of it. */
const revokeToken: Operation = async (actor) => {
  const { reply } = await actor.login()
  if (reply.kind === 'lost') return
  const token = String(reply.headers['x-subject-token'])
  const { outcome } = await actor.ask({
    method: 'DELETE',
    path: `${IDENTITY}/auth/tokens`,
    token: actor.estate.adminToken,
    headers: { 'x-subject-token': token },
  })
  if (outcome === 'done') actor.model.revokedTokens.push(token)
}

const createNetwork: Operation = async (actor) => {
  const { tenant, index } = actor.anyTenant()
  const { token } = tenant
  const network = await actor.create(
    'network',
    (name) => ({ method: 'POST', path: `${NETWORK}/networks`, token, body: { network: { name } } }),
    (reply) => {
      const id = String(objectIn(reply, 'network').id)
      return { id, path: `${NETWORK}/networks/${id}`, projectIndex: index }
    },
  )
  if (!network) return
  await actor.exclusively(network, async () => {
    const cidr = `10.${16 + actor.random.below(200)}.${actor.random.below(250)}.0/28`
    const body = { subnet: { network_id: network.id, ip_version: 4, cidr } }
    await actor.ask({ method: 'POST', path: `${NETWORK}/subnets`, token, body })
  })
}

async function createPort(actor: Actor): Promise<Thing | undefined> {
  const { tenant, index } = actor.anyTenant()
  const networkId = (actor.chance(0.3) ? actor.anyIdle('network', index)?.id : undefined) ?? tenant.networkId
  return actor.create(
    'port',
    (name) => ({
      method: 'POST',
      path: `${NETWORK}/ports`,
      token: tenant.token,
      body: { port: { name, network_id: networkId } },
    }),
    (reply) => {
      const id = String(objectIn(reply, 'port').id)
      return { id, path: `${NETWORK}/ports/${id}`, projectIndex: index }
    },
  )
}

const renamePort: Operation = async (actor) => {
  const port = actor.anyIdle('port')
  if (!port) return
  const { token } = actor.tenant(port.projectIndex)
  await actor.rename(port, (name) => ({ method: 'PUT', path: port.path, token, body: { port: { name } } }))
}

export const createUser: Operation = createIdentity('user')

function createIdentity(kind: 'user' | 'project'): Operation {
  return async (actor) => {
    await actor.create(
      kind,
      (name) => ({
        method: 'POST',
        path: `${IDENTITY}/${kind}s`,
        token: actor.estate.adminToken,
        body: { [kind]: { name, domain_id: 'default', ...(kind === 'user' ? { password: name } : {}) } },
      }),
      (reply) => {
        const id = String(objectIn(reply, kind).id)
        return { id, path: `${IDENTITY}/${kind}s/${id}`, projectIndex: ADMIN }
      },
    )
  }
}

function renameIdentity(kind: 'user' | 'project'): Operation {
  return async (actor) => {
    const thing = actor.anyIdle(kind)
    if (!thing) return
    const { adminToken: token } = actor.estate
    await actor.rename(thing, (name) => ({
      method: 'PATCH',
      path: thing.path,
      token,
      body: { [kind]: { name } },
    }))
  }
}

const createImage: Operation = async (actor) => {
  const { tenant, index } = actor.anyTenant()
  const { token } = tenant
  const image = await actor.create(
    'image',
    (name) => ({
      method: 'POST',
      path: `${IMAGE}/images`,
      token,
      body: { name, disk_format: 'raw', container_format: 'bare' },
    }),
    (reply) => {
      const id = String(jsonOf(reply).id)
      return { id, path: `${IMAGE}/images/${id}`, projectIndex: index }
    },
  )
  if (!image) return
  await actor.exclusively(image, async () => {
    const body = Buffer.alloc(IMAGE_BYTES, `image ${image.id}`)
    const { outcome } = await actor.ask({ method: 'PUT', path: `${image.path}/file`, token, body })
    if (outcome === 'done') actor.model.uploads.set(image.id, body)
  })
}

const createFlavor: Operation = async (actor) => {
  const { adminToken: token } = actor.estate
  await actor.create(
    'flavor',
    (name) => ({
      method: 'POST',
      path: `${COMPUTE}/flavors`,
      token,
      body: { flavor: { name, vcpus: 1, ram: 256, disk: 1 } },
    }),
    (reply) => {
      const id = String(objectIn(reply, 'flavor').id)
      return { id, path: `${COMPUTE}/flavors/${id}`, projectIndex: ADMIN }
    },
  )
}

const createKeypair: Operation = async (actor) => {
  const { tenant, index } = actor.anyTenant()
  const key = Buffer.from(actor.random.bytes(32))
  const word = Buffer.from('ssh-ed25519')
  const size = (bytes: number) => Buffer.from([0, 0, 0, bytes])
  const blob = Buffer.concat([size(word.length), word, size(key.length), key]).toString('base64')
  await actor.create(
    'keypair',
    (name) => ({
      method: 'POST',
      path: `${COMPUTE}/os-keypairs`,
      token: tenant.token,
      body: { keypair: { name, public_key: `ssh-ed25519 ${blob}` } },
    }),
    (_reply, name) => ({ id: name, path: `${COMPUTE}/os-keypairs/${name}`, projectIndex: index }),
  )
}

const changeQuota: Operation = async (actor) => {
  const { tenant } = actor.anyTenant()
  const instances = 6 + actor.random.below(8)
  const key = `${tenant.projectId} instances`
  // It counts from the moment that it is sent.
  actor.model.limitsMax.set(key, Math.max(instances, actor.model.limitsMax.get(key) ?? 10))
  await actor.ask({
    method: 'PUT',
    path: `${COMPUTE}/os-quota-sets/${tenant.projectId}`,
    token: actor.estate.adminToken,
    body: { quota_set: { instances } },
  })
}

function remove(kind: Thing['kind']): Operation {
  return async (actor) => {
    const thing = actor.anyIdle(kind)
    if (!thing) return
    const token = tokenFor(actor, thing)
    await actor.remove(thing, token)
  }
}

/** Index of no tenant: what only administrators work on. */
export const ADMIN = -1

/** The token that may show and change a thing. */
export function tokenFor({ estate }: Actor, { projectIndex }: Thing): string {
  return projectIndex === ADMIN ? estate.adminToken : (estate.tenants[projectIndex]?.token ?? '')
}

/** Operations with how often each comes, relative to the others. */
export type Workload = readonly (readonly [weight: number, operation: Operation])[]

/** Homes move as often as possible. */
export const MOVES: Workload = [
  [6, createServerWithPort],
  [2, renamePort],
  [3, remove('server')],
  [1, remove('port')],
  [1, listAllServers],
]

export const EVERYTHING: Workload = [
  [14, createServer],
  [7, createServerWithPort],
  [6, remove('server')],
  [4, (actor) => changePower(actor, 'os-stop')],
  [5, (actor) => changePower(actor, 'os-start')],
  [4, (actor) => changePower(actor, 'reboot')],
  [5, renameServer],
  [8, showServer],
  [12, listAllServers],
  [8, listAnything],
  [6, authenticate],
  [2, revokeToken],
  [3, createNetwork],
  [1, remove('network')],
  [4, async (actor) => void (await createPort(actor))],
  [3, renamePort],
  [3, remove('port')],
  [3, createIdentity('user')],
  [2, renameIdentity('user')],
  [1, remove('user')],
  [2, createIdentity('project')],
  [1, renameIdentity('project')],
  [1, remove('project')],
  [3, createImage],
  [1, remove('image')],
  [2, createFlavor],
  [1, remove('flavor')],
  [2, createKeypair],
  [1, remove('keypair')],
  [2, changeQuota],
]
