import assert from 'node:assert/strict'
import test from 'node:test'
import type { Contact, Environment, Message, Protocol } from '@atoll/overlay'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'
import { DatagramNetwork, type DatagramNetworkOptions } from './datagram-network.ts'

const rtt: RttMatrix = { size: 8, rttMs: (from, to) => (from === to ? 0 : 20) }

/** Answers `echo.ask` by `echo.answer`, and notes when what came. */
class Echo implements Protocol {
  readonly types = ['echo.ask', 'echo.answer']
  readonly seen: string[] = []
  readonly environment: Environment

  constructor(environment: Environment) {
    this.environment = environment
  }

  start(): void {}

  stop(): void {}

  note(what: string): void {
    this.seen.push(`${this.environment.clock.monotonicMs().toFixed(1)} ${what}`)
  }

  receive(from: Contact, message: Message): void {
    this.note(message.type)
    if (message.type === 'echo.ask') this.environment.send(from, { type: 'echo.answer', version: 1 })
  }
}

function twoSites(options: Partial<DatagramNetworkOptions> = {}) {
  const network = new DatagramNetwork({ seed: 1, rtt, jitter: 0, ...options })
  const echoes = ['east', 'west'].map((site) => new Echo(network.environmentOf(network.add(site))))
  for (const [index, echo] of echoes.entries()) network.start(index, echo)
  const [east, west] = echoes as [Echo, Echo]
  const ask = () => east.environment.send(network.contactOf(1), { type: 'echo.ask', version: 1 })
  return { network, east, west, ask }
}

test('a datagram takes half a round trip', () => {
  const { network, east, west, ask } = twoSites()
  ask()
  network.run(100)
  assert.deepEqual(west.seen, ['10.0 echo.ask'])
  assert.deepEqual(east.seen, ['20.0 echo.answer'])
  assert.equal(network.nowMs, 100)
})

test('of many datagrams the share of the loss never arrives', () => {
  const { network, west, ask } = twoSites({ loss: 0.25 })
  for (let count = 0; count < 4000; count++) ask()
  network.run(15)
  const share = west.seen.length / 4000
  assert.ok(share > 0.72 && share < 0.78, `${share}`)
})

test('nothing passes between two islands, not even what was on the way', () => {
  const { network, east, west, ask } = twoSites()
  ask()
  network.run(5)
  network.moveTo(1, 1)
  ask()
  network.run(50)
  network.moveTo(1, 0)
  ask()
  network.run(100)
  assert.deepEqual(west.seen, ['60.0 echo.ask'])
  assert.deepEqual(east.seen, ['70.0 echo.answer'])
})

test('a crash takes the timers along, and the next life does not hear of the last', () => {
  const { network, east, west, ask } = twoSites()
  west.environment.clock.after(30, () => west.note('timer of the first life'))
  ask()
  network.run(5)
  network.crash(1)
  network.run(20)
  network.start(1, west)
  west.environment.clock.after(30, () => west.note('timer of the second life'))
  network.run(100)
  assert.deepEqual(west.seen, ['50.0 timer of the second life'])
  assert.deepEqual(east.seen, [])
})

test('a process that stood still runs its timers first and then reads its sockets', () => {
  const { network, west, ask } = twoSites()
  network.stall(1, 40)
  ask()
  west.environment.clock.after(30, () => west.note('timer'))
  network.run(100)
  assert.deepEqual(west.seen, ['40.0 timer', '40.0 echo.ask'])
})

test('a cancelled timer does nothing', () => {
  const { network, east } = twoSites()
  const cancel = east.environment.clock.after(5, () => east.note('timer'))
  cancel()
  network.run(10)
  cancel()
  assert.deepEqual(east.seen, [])
})

test('two runs of a seed leave one hash, and another seed another', () => {
  const run = (seed: number) => {
    const { network, ask } = twoSites({ seed, loss: 0.1, jitter: 0.5 })
    for (let count = 0; count < 100; count++) ask()
    network.run(1000)
    return network.digest
  }
  assert.equal(run(7), run(7))
  assert.notEqual(run(7), run(8))
})
