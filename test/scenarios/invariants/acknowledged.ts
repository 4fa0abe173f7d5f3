/** Nothing acknowledged is lost: every site shows everything that a client was told, and nothing that is deleted. */

import assert from 'node:assert/strict'
import { bodyText, type Json, jsonOf } from '../client.ts'
import type { Model, ServerThing, Thing } from '../model.ts'
import type { Actor } from '../workload/actor.ts'
import { tokenFor } from '../workload/operations.ts'
import type { SiteTables } from './tables.ts'

/** Asks every site for every thing. @throws AssertionError */
export async function checkAcknowledged(actor: Actor): Promise<void> {
  for (const site of actor.cloud.sites) {
    for (const thing of actor.model.things) {
      const token = tokenFor(actor, thing)
      const { reply } = await actor.ask({ method: 'GET', path: thing.path, token }, site)
      assert.equal(reply.kind, 'answered', `${site.name} did not answer`)
      const status = reply.kind === 'answered' ? reply.status : 0
      const what = `${thing.kind} ${thing.id} at ${site.name}`
      if (status === 404) assert.notEqual(thing.deletion, 'no', `${what} was acknowledged and is not there`)
      else {
        assert.equal(status, 200, `${what} was answered ${status}`)
        assert.notEqual(thing.deletion, 'yes', `${what} was deleted and is there`)
        checkShown(thing, objectOf(thing, jsonOf(reply)), what, actor.cloud.isOfGivenUp(thing.id))
      }
    }
  }
}

/** Asks every site for the bytes of every image. @throws AssertionError when they are not those that were uploaded */
export async function checkUploads(actor: Actor): Promise<void> {
  for (const site of actor.cloud.sites) {
    for (const image of actor.model.things.filter(({ deletion }) => deletion === 'no')) {
      const uploaded = actor.model.uploads.get(image.id)
      if (!uploaded) continue
      const request = { method: 'GET', path: `${image.path}/file`, token: tokenFor(actor, image) } as const
      const { reply } = await actor.ask(request, site)
      assert.ok(
        reply.kind === 'answered' && reply.status === 200 && reply.body.equals(uploaded),
        `the bytes of image ${image.id} are not at ${site.name}: ${bodyText(reply)}`,
      )
    }
  }
}

/** Shows every revoked token to every site. @throws AssertionError when one is still good */
export async function checkRevocations(actor: Actor): Promise<void> {
  for (const site of actor.cloud.sites) {
    for (const token of actor.model.revokedTokens) {
      const { reply } = await actor.ask({ method: 'GET', path: '/compute/v2.1/servers', token }, site)
      const status = reply.kind === 'answered' ? reply.status : 0
      assert.equal(status, 401, `a token that was revoked is still good at ${site.name}`)
    }
  }
}

function objectOf({ kind }: Thing, body: Json): Json {
  return kind === 'image' ? body : ((body[kind] ?? {}) as Json)
}

function checkShown(thing: Thing, shown: Json, what: string, isHostGone: boolean): void {
  assert.ok(
    thing.names.includes(String(shown.name)),
    `${what} is called ${String(shown.name)}, not ${thing.names.join(' or ')}`,
  )
  if (thing.kind !== 'server' || thing.deletion !== 'no' || isHostGone) return
  const { power } = thing as ServerThing
  const expected =
    power === undefined
      ? ['ACTIVE', 'SHUTOFF', 'ERROR']
      : power === 'running'
        ? ['ACTIVE', 'ERROR']
        : ['SHUTOFF']
  assert.ok(
    expected.includes(String(shown.status)),
    `${what} is ${String(shown.status)}, not ${expected.join(' or ')}`,
  )
}

/**
 * No request was carried out twice, and none that was refused at all: names are given once, so nothing else has them.
 * @throws AssertionError
 */
export function checkOnce(sites: readonly SiteTables[], model: Model): void {
  for (const table of [
    'servers',
    'networks',
    'ports',
    'users',
    'projects',
    'keypairs',
    'images',
    'flavors',
  ]) {
    const owners = new Map<string, string>()
    for (const site of sites) {
      for (const { id, home, name } of site.records(table)) {
        if (home !== site.site || !/-\d+$/.test(String(name))) continue
        const key = String(name)
        const other = owners.get(key)
        assert.equal(other, undefined, `${table} ${other} and ${id} were both made by one request: ${key}`)
        assert.notEqual(
          model.creates.get(key),
          'refused',
          `${table} ${id} is there, and its making was refused`,
        )
        owners.set(key, id)
      }
    }
  }
}
