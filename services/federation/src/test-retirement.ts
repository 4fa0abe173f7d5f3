/** What tests of retired sites have in common. */

import type { TestContext } from 'node:test'
import {
  all,
  boats,
  type CloudOptions,
  domains,
  foundCloudRecords,
  openCloud,
  type TestSite,
  until,
} from './test-cloud.ts'

const headers = { 'x-auth-token': 't' }

export interface Wish {
  readonly trusted?: readonly string[]
  readonly cloud?: CloudOptions
}

/** Sites that know each other, the first one the founder. */
export async function cloud(
  t: TestContext,
  names: readonly string[],
  { trusted, cloud: options = {} }: Wish = {},
) {
  const { network, site } = await openCloud(names, (cleanUp) => t.after(cleanUp), options)
  await foundCloudRecords(site(names[0] ?? ''), trusted)
  const knowsAll = async ({ state, federation: { directory } }: TestSite) =>
    (await state.find(all, domains, 'root')) !== undefined &&
    names.every((name) => directory.find(name)?.code !== undefined)
  for (const name of names) await until(`${name} knows the others`, () => knowsAll(site(name)))
  /** Nobody reaches `lost` any more, and everybody has noticed. */
  const lose = async (lost: string, others = names.filter((name) => name !== lost)) => {
    for (const name of names.filter((other) => other !== lost)) network.cutBoth(lost, name)
    for (const name of others)
      await until(`${name} misses ${lost}`, () => site(name).federation.freshness.isSilent(lost))
  }
  return { network, site, lose }
}

export const makeBoat = ({ state }: TestSite, name = 'a') =>
  state.transaction((transaction) => transaction.insert(boats, { name }))

export const has = async (sites: readonly TestSite[], id: string) => {
  for (const { name, state } of sites)
    await until(`${name} has the boat`, async () => (await state.find(all, boats, id)) !== undefined)
}

export const comesTo = async (home: string, sites: readonly TestSite[], id: string) => {
  for (const { name, state } of sites)
    await until(
      `${name} knows that the boat came to ${home}`,
      async () => (await state.homeOf('boats', id)) === home,
    )
}

export const rename = async ({ clients }: TestSite, id: string, name: string) => {
  const reply = await clients.inject({ method: 'PUT', url: `/toy/boats/${id}`, headers, payload: { name } })
  return [reply.statusCode, reply.json().home]
}
