/**
 * Generated histories on SQL servers, each client on a way of its own on which things happen to it, and clients that die at each
 * message of a commit.
 */

import { pick, type Random, seededRandom } from '@atoll/kit'
import type { Store, Table } from '@atoll/rome'
import { type StoreCrashHarness, storeCrashSuite } from '@atoll/rome/conformance/store-crash-suite'
import {
  type StoreIsolationHarness,
  storeHistory,
  storeIsolationSuite,
  wrongIn,
} from '@atoll/rome/conformance/store-isolation-suite'
import { type CuttingRelay, type RelayFate, startRelay } from './cutting-relay.ts'
import { eventually } from './eventually.ts'
import { openClient } from './sql-ocean.ts'

export interface SqlIsolationOptions {
  /** The addresses of a store that is empty: clients take them in turn. */
  readonly fresh: () => Promise<readonly string[]>
  readonly skip?: string | false
}

/** What happens to each message of a client. */
const TROUBLE: Readonly<Record<string, (random: Random) => RelayFate>> = {
  'without trouble': () => 'fine',
  'with connections lost': (random) =>
    random.below(40) === 0 ? pick(random, ['cut before', 'cut after', 'late'] as const) : 'fine',
  'with clients killed': (random) =>
    random.below(80) === 0 ? pick(random, ['dies before', 'dies after'] as const) : 'fine',
}

/** Of each kind of trouble so many histories; `HISTORIES=` in the environment runs more. */
export const HISTORIES = Number(process.env.HISTORIES ?? 2)

export function sqlIsolation(kind: string, { fresh, skip = false }: SqlIsolationOptions): void {
  const troubles = Object.entries(TROUBLE).map(([name, fate]) => [
    name,
    async (seed: string) => {
      const random = seededRandom(`fates ${seed}`)
      return relayed(await fresh(), { fate: () => fate(random) })
    },
  ])
  storeIsolationSuite(kind, Object.fromEntries(troubles), { seeds: HISTORIES, skip })
  const deaths = { before: 'dies before', after: 'dies after' } as const
  storeCrashSuite(
    kind,
    Object.fromEntries(
      Object.entries(deaths).map(([name, death]) => [
        name,
        async (): Promise<StoreCrashHarness> => mortals(await fresh(), death),
      ]),
    ),
    skip,
  )
}

/** What is found by chance is found within fewer. */
const SEEDS_MAX = 40

/** Proves that the checker finds out a server whose isolation is lowered, by what `rewrite` makes of the client's messages. */
export async function findsOut(
  fresh: () => Promise<readonly string[]>,
  rewrite: (message: string) => string,
): Promise<readonly string[]> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const harness = await relayed(await fresh(), { rewrite })
    try {
      const { history, numbers } = await storeHistory(harness, { seed: `${seed}` })
      const wrong = wrongIn(history, numbers)
      if (wrong.length > 0) return wrong
    } finally {
      await harness.close()
    }
  }
  return []
}

/** Histories during which servers are ill-treated: `blow` for blow, and in between clients get through again. */
export function sqlIsolationUnder(
  kind: string,
  trouble: string,
  options: SqlIsolationOptions & { readonly blows: readonly (() => Promise<void>)[] },
): void {
  const { fresh, blows, skip = false } = options
  const make = async () => disturbed(await fresh(), blows)
  storeIsolationSuite(kind, { [trouble]: make }, { seeds: 1, skip })
}

const CLIENTS = 5
/** So many more appends are there before the next blow falls. */
const PROGRESS = 15

async function disturbed(
  urls: readonly string[],
  blows: readonly (() => Promise<void>)[],
): Promise<StoreIsolationHarness> {
  const harness = await relayed(urls, {})
  const untroubled = Promise.withResolvers<Store>()
  let opened = 0
  const progress = async (store: Store) => {
    const count = async () => (await store.read.selectFrom('history_appends').select('id').execute()).length
    let goal: number | undefined
    await eventually('clients get through', async () => {
      const there = await count()
      goal ??= there + PROGRESS
      return there >= goal
    })
  }
  return {
    ...harness,
    // Straight to the servers: nothing lies between whose end would be taken for theirs.
    open: async (tables) => {
      const store = await harness.openUntroubled(tables)
      opened++
      return { store }
    },
    openUntroubled: async (tables) => {
      const store = await harness.openUntroubled(tables)
      untroubled.resolve(store)
      return store
    },
    disturb: async () => {
      const store = await untroubled.promise
      await eventually('all clients are there', () => opened >= CLIENTS)
      for (const blow of blows) {
        await progress(store)
        await blow()
      }
      await progress(store)
    },
  }
}

interface Way {
  readonly fate?: (count: number) => RelayFate
  readonly rewrite?: (message: string) => string
}

/** What happens begins when a client is there. */
interface RelayedClient {
  readonly store: Store
  readonly relay: CuttingRelay
  begin(): void
}

async function relayed(urls: readonly string[], way: Way): Promise<StoreIsolationHarness> {
  const clients: RelayedClient[] = []
  const untroubled: Store[] = []
  let opened = 0
  const next = () => urls[opened++ % urls.length] ?? ''
  return {
    open: async (tables) => {
      const client = await openRelayed(next(), tables, way)
      clients.push(client)
      client.begin()
      return { store: client.store, died: client.relay.died }
    },
    openUntroubled: async (tables) => {
      const store = await openClient(next())
      untroubled.push(store)
      await store.ensureTables(tables)
      return store
    },
    close: async () => {
      for (const client of clients) await closeRelayed(client)
      for (const store of untroubled) await store.close()
    },
  }
}

/** A client whose messages are others by the time that they reach the server. */
export async function openRewritten(
  url: string,
  tables: readonly Table[],
  rewrite: (message: string) => string,
): Promise<{ readonly store: Store; readonly close: () => Promise<void> }> {
  const client = await openRelayed(url, tables, { rewrite })
  return { store: client.store, close: () => closeRelayed(client) }
}

async function openRelayed(
  url: string,
  tables: readonly Table[],
  { fate, rewrite }: Way,
): Promise<RelayedClient> {
  const { port } = new URL(url)
  let begun: number | undefined
  const relay = await startRelay({
    port: Number(port),
    fate: (count) => (begun === undefined ? 'fine' : (fate?.(count - begun) ?? 'fine')),
    ...(rewrite && {
      rewrite: (message: Buffer) => Buffer.from(rewrite(message.toString('latin1')), 'latin1'),
    }),
  })
  const store = await openClient(url.replace(`:${port}/`, `:${relay.port}/`))
  await store.ensureTables(tables)
  return {
    store,
    relay,
    begin: () => {
      begun = relay.steps()
    },
  }
}

async function closeRelayed({ store, relay }: RelayedClient): Promise<void> {
  await relay.close()
  // What the dead had under way fails now; nobody hears of it.
  await store.close().catch(() => {})
}

/** Clients that die at one message, at the first of `urls`; the others are at the next. */
function mortals(urls: readonly string[], death: RelayFate): StoreCrashHarness {
  const [first = '', second = first] = urls
  return {
    openMortal: async (tables, step) => {
      const client = await openRelayed(first, tables, { fate: (count) => (count === step ? death : 'fine') })
      const { store, relay, begin } = client
      return { store, died: relay.died, begin, close: () => closeRelayed(client) }
    },
    open: async (tables) => {
      const store = await openClient(second)
      await store.ensureTables(tables)
      return store
    },
  }
}
