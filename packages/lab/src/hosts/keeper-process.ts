/**
 * The keeper of a lab, a process of its own: plays the WAN, undisturbed by what the owner computes, and removes the
 * lab when the owner is gone, however it went: returned, threw, Ctrl-C, kill -9.
 */

import { seededRandom, systemClock } from '@atoll/kit'
import { removeLab } from './clean-up.ts'
import type { KeeperReply, KeeperRequest } from './keeper-protocol.ts'
import type { LabMark } from './lab-mark.ts'
import { WanRelay } from './wan-relay.ts'

let relay: WanRelay | undefined
let mark: LabMark | undefined

process.on('message', (request: KeeperRequest) => {
  carryOut(request).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ number: request.number, failure: String(error) }),
  )
})

process.on('disconnect', () => {
  relay?.close()
  if (mark === undefined) process.exit(0)
  removeLab(mark.name, { owner: mark.owner, endKeeper: async () => {} }).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function carryOut({ number, order }: KeeperRequest): Promise<KeeperReply> {
  switch (order.kind) {
    case 'start':
      mark = order.mark
      relay = await WanRelay.open(order.relay, { clock: systemClock, random: seededRandom(order.seed) })
      return { number }
    case 'change':
      for (const pair of order.pairs) relay?.change(pair, order.changes)
      return { number }
    case 'counters':
      return { number, counters: relay?.counters ?? [] }
    case 'stop':
      mark = undefined
      setImmediate(() => process.disconnect())
      return { number }
  }
}
