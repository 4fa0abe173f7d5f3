/** Several clients at once on one store, each with a peer of its own, and a new one after it died. */

import type { Clock, Random } from '@atoll/kit'
import type { KeyValueStore } from '../../stores/key-value/key-value-store.ts'
import { Peer } from '../../transaction/peer.ts'
import { type Fate, type FaultyStoreOptions, faultyStore } from '../faulty-store.ts'
import type { Executed, History } from './history.ts'
import { execute, KEYS, type Plan, somePlan } from './list-client.ts'

/** Where a history takes place. */
export interface HistoryWorld {
  readonly clock: Clock
  readonly random: Random
  readonly turn?: () => Promise<void>
  readonly defer?: (action: () => void) => void
}

export interface RunHistoryOptions {
  readonly world: HistoryWorld
  /** A client of one store. */
  readonly open: () => Promise<KeyValueStore>
  readonly clients: number
  readonly transactionsEach: number
  /** See `FaultyStoreOptions`; called with the name of the client, too. */
  readonly fate: (call: Parameters<FaultyStoreOptions['fate']>[0], client: string) => Fate
}

/** A peer over a store to which things happen. */
export interface Client {
  readonly peer: Peer
  readonly died: Promise<void>
  readonly calls: () => number
}

export async function openClient(
  { world, open }: Pick<RunHistoryOptions, 'world' | 'open'>,
  fate: FaultyStoreOptions['fate'],
): Promise<Client> {
  const { clock, random, turn, defer } = world
  const store = faultyStore({ store: await open(), fate, ...(turn && { turn }) })
  const peer = new Peer({ store, clock, random, patienceMs: 2_000, ...(defer && { defer }) })
  return { peer, died: store.died, calls: store.calls }
}

export async function runHistory(options: RunHistoryOptions): Promise<History> {
  const { clients, transactionsEach, world } = options
  let ticks = 0
  const tick = () => ++ticks
  const executed: Executed[] = []
  const runClient = async (client: number) => {
    let lives = 0
    const live = () => {
      const name = `${client}${'abcdefgh'[lives++ % 8]}`
      return openClient(options, (call) => options.fate(call, name))
    }
    let life = await live()
    for (let count = 0; count < transactionsEach; count++) {
      const plan = somePlan(world.random, `t${client}.${count}`)
      const done = await execute(life.peer, { plan, died: life.died, tick })
      executed.push(done)
      if (done.outcome === 'unknown') life = await live()
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)))
  return concluded(options, { executed, tick })
}

/** The history with what a newcomer sees when everything is over. */
export async function concluded(
  options: Pick<RunHistoryOptions, 'world' | 'open'>,
  { executed, tick }: { readonly executed: readonly Executed[]; readonly tick: () => number },
): Promise<History> {
  const { peer, died } = await openClient(options, () => 'fine')
  const plan: Plan = {
    name: 'end',
    steps: [{ kind: 'latest' }, ...KEYS.map((key) => ({ kind: 'read', key }) as const)],
    manner: 'work',
    givesUp: false,
  }
  const end = await execute(peer, { plan, died, tick })
  const final = new Map(
    end.events.flatMap((event) =>
      event.kind === 'seen' && 'list' in event ? [[event.key, event.list] as const] : [],
    ),
  )
  await peer.close()
  return { executed: [...executed, end], final }
}
