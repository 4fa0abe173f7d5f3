import assert from 'node:assert/strict'
import test from 'node:test'
import type { Contact } from './contact.ts'
import { isMessage, type Message } from './message.ts'
import type { Protocol } from './protocol.ts'
import { ProtocolSet } from './protocol-set.ts'

class Recorder implements Protocol {
  readonly types: readonly string[]
  readonly #log: string[]

  constructor(types: readonly string[], log: string[]) {
    this.types = types
    this.#log = log
  }

  start(): void {
    this.#log.push(`start ${this.types[0]}`)
  }

  stop(): void {
    this.#log.push(`stop ${this.types[0]}`)
  }

  receive(from: Contact, message: Message): void {
    this.#log.push(`${message.type} from ${from.site}`)
  }
}

const east: Contact = { site: 'east', addresses: [] }

test('a message goes to the protocol that takes its type, and an unknown type is counted and ignored', () => {
  const log: string[] = []
  const set = new ProtocolSet([new Recorder(['a.one', 'a.two'], log), new Recorder(['b.one'], log)])
  set.start()
  for (const type of ['a.two', 'b.one', 'c.new']) set.receive(east, { type, version: 1 })
  set.stop()
  assert.deepEqual(log, [
    'start a.one',
    'start b.one',
    'a.two from east',
    'b.one from east',
    'stop b.one',
    'stop a.one',
  ])
  assert.equal(set.unknown, 1)
})

test('nothing is received before the start and after the stop', () => {
  const log: string[] = []
  const set = new ProtocolSet([new Recorder(['a.one'], log)])
  set.receive(east, { type: 'a.one', version: 1 })
  set.start()
  set.stop()
  set.stop()
  set.receive(east, { type: 'a.one', version: 1 })
  assert.deepEqual(log, ['start a.one', 'stop a.one'])
})

test('two protocols cannot take one type', () => {
  assert.throws(() => new ProtocolSet([new Recorder(['a'], []), new Recorder(['a'], [])]), /two protocols/)
})

test('what has no type or no version is no message; unknown fields do not matter', () => {
  assert.ok(isMessage({ type: 'a.one', version: 1, later: true }))
  for (const value of [
    undefined,
    null,
    'a',
    {},
    { type: 'a' },
    { type: 1, version: 1 },
    { type: 'a', version: 0 },
  ])
    assert.equal(isMessage(value), false)
})
