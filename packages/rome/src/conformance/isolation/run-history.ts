/** Several clients at once on one store, and a new one after one died. */

import type { Random } from '@atoll/kit'
import { executePlan, type HistoryClient } from './execute-plan.ts'
import type { Executed, History } from './history.ts'
import { KEYS, type Plan, somePlan } from './plan.ts'

export interface RunHistoryOptions {
  readonly random: Random
  /** A client of one store, by its name. */
  readonly open: (name: string) => Promise<HistoryClient>
  /** A client to which nothing happens. */
  readonly openLast: () => Promise<HistoryClient>
  readonly clients: number
  readonly transactionsEach: number
  /** Clients go on beyond that until this holds, for trouble that takes its time. */
  readonly isOver?: () => boolean
}

/** Whatever the trouble takes, a client makes no more than this. */
const TRANSACTIONS_MAX = 5000

export async function runHistory(options: RunHistoryOptions): Promise<History> {
  const { clients, transactionsEach, random, open, isOver = () => true } = options
  let ticks = 0
  const tick = () => ++ticks
  const executed: Executed[] = []
  const runClient = async (client: number) => {
    let lives = 0
    const live = () => open(`${client}${'abcdefgh'[lives++ % 8]}`)
    let life = await live()
    for (let count = 0; count < transactionsEach || (!isOver() && count < TRANSACTIONS_MAX); count++) {
      const plan = somePlan(random, `t${client}.${count}`)
      const done = await executePlan(life, { plan, tick })
      executed.push(done)
      if (done.outcome === 'unknown' && !life.isAlive()) life = await live()
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)))
  return concluded(await options.openLast(), { executed, tick })
}

/** The history with what a newcomer sees when everything is over. */
export async function concluded(
  client: HistoryClient,
  { executed, tick }: { readonly executed: readonly Executed[]; readonly tick: () => number },
): Promise<History> {
  const plan: Plan = {
    name: 'end',
    steps: [{ kind: 'latest' }, ...KEYS.map((key) => ({ kind: 'read', key }) as const)],
    manner: 'work',
    givesUp: false,
  }
  const end = await executePlan(client, { plan, tick })
  const final = new Map(
    end.events.flatMap((event) =>
      event.kind === 'seen' && 'list' in event ? [[event.key, event.list] as const] : [],
    ),
  )
  return { executed: [...executed, end], final }
}
