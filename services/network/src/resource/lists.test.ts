import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { networkSite } from '../testing/network-site.ts'

interface NetworkPage {
  readonly networks: readonly { readonly id: string; readonly name: string }[]
  readonly networks_links?: readonly { readonly rel: string; readonly href: string }[]
}

async function siteWithNetworks(t: TestContext, names: readonly string[]) {
  const site = await networkSite(t)
  await site.make('/v2.0/networks', { networks: names.map((name) => ({ name })) })
  const list = async (query: string) =>
    (await site.call('GET', `/v2.0/networks?${query}`)).json<NetworkPage>()
  const names_ = async (query: string) => (await list(query)).networks.map(({ name }) => name)
  return { ...site, list, names: names_ }
}

const pathOf = (page: NetworkPage, rel: string) =>
  page.networks_links?.find((link) => link.rel === rel)?.href.split('?')[1] ?? ''

test('pages lead forth and back through the whole list, each once', async (t) => {
  const { list } = await siteWithNetworks(t, ['e', 'a', 'd', 'b', 'c'])
  const first = await list('sort_key=name&sort_dir=asc&limit=2')
  const second = await list(pathOf(first, 'next'))
  const third = await list(pathOf(second, 'next'))
  const back = await list(pathOf(third, 'previous'))
  assert.deepEqual(
    [first, second, third, back].map(({ networks }) => networks.map(({ name }) => name).join('')),
    ['ab', 'cd', 'e', 'cd'],
  )
  assert.deepEqual([pathOf(first, 'previous'), pathOf(third, 'next')], ['', ''])
  assert.deepEqual(
    (await list(pathOf(back, 'previous'))).networks.map(({ name }) => name),
    ['a', 'b'],
  )
})

test('a list that fits into its page has no links', async (t) => {
  const { list } = await siteWithNetworks(t, ['a', 'b'])
  assert.equal((await list('limit=2')).networks_links, undefined)
  assert.equal((await list('')).networks_links, undefined)
})

test('a repeated filter is "or", different ones are "and"', async (t) => {
  const { names } = await siteWithNetworks(t, ['a', 'b', 'c'])
  assert.deepEqual(await names('name=a&name=c&sort_key=name'), ['a', 'c'])
  assert.deepEqual(await names('name=a&admin_state_up=False'), [])
  assert.deepEqual(await names('name=a&admin_state_up=True&status=ACTIVE&shared=false'), ['a'])
  assert.deepEqual(await names('status=DOWN'), [])
})

test('fields select what is shown', async (t) => {
  const { list, call } = await siteWithNetworks(t, ['a'])
  assert.deepEqual(await list('fields=name&fields=mtu'), { networks: [{ name: 'a', mtu: 1400 }] })
  const { id } = (await list('')).networks[0] ?? { id: '' }
  assert.deepEqual((await call('GET', `/v2.0/networks/${id}?fields=id`)).json(), { network: { id } })
})

const badQueries: readonly [query: string, message: RegExp][] = [
  ['colour=red', /^Invalid input for operation: \['colour'\] is invalid attribute for filtering\.$/],
  ['provider:segmentation_id=4096', /invalid attribute for filtering/],
  ['shared=maybe', /'maybe' cannot be converted to boolean/],
  ['mtu=big', /'big' is not an integer/],
  ['limit=-1', /Invalid input for query parameters limit/],
  ['marker=00000000-0000-4000-8000-000000000000', /could not be found/],
  ['sort_key=subnets', /Unable to sort by subnets/],
  ['sort_key=name&sort_dir=up', /Unknown sort direction/],
]
for (const [query, message] of badQueries) {
  test(`the list query ${query} is 400`, async (t) => {
    const { call } = await siteWithNetworks(t, ['a'])
    const reply = await call('GET', `/v2.0/networks?${query}`)
    assert.equal(reply.statusCode, 400)
    assert.match(reply.json().NeutronError.message, message)
  })
}

test('tags are set, asked for, filtered by and removed', async (t) => {
  const { list, names, call } = await siteWithNetworks(t, ['a', 'b'])
  const [first] = (await list('name=a')).networks
  const path = `/v2.0/networks/${first?.id}/tags`
  assert.deepEqual((await call('PUT', path, { body: { tags: ['red', 'blue', 'red'] } })).json(), {
    tags: ['red', 'blue'],
  })
  assert.equal((await call('PUT', `${path}/green`)).statusCode, 201)
  assert.equal((await call('GET', `${path}/green`)).statusCode, 204)
  assert.deepEqual(await names('tags=red,green'), ['a'])
  assert.deepEqual(await names('tags-any=red,brown'), ['a'])
  assert.deepEqual(await names('not-tags-any=red'), ['b'])
  assert.equal((await call('DELETE', `${path}/red`)).statusCode, 204)
  assert.equal((await call('DELETE', `${path}/red`)).statusCode, 404)
  assert.deepEqual((await call('GET', path)).json(), { tags: ['blue', 'green'] })
  assert.equal((await call('DELETE', path)).statusCode, 204)
  assert.deepEqual((await call('GET', path)).json(), { tags: [] })
  assert.equal((await call('GET', path, { bearer: 'other' })).statusCode, 404)
})
