import assert from 'node:assert/strict'
import { readFile } from 'node:fs'
import test from 'node:test'
import { fraction, sleep } from '@atoll/kit'
import { Simulation, SimulationFailed } from './simulation.ts'

/** Some workers that sleep, hop over immediates and ticks, and note what they do. */
function busyRun(seed: number): Promise<string> {
  const simulation = new Simulation(seed)
  const { clock } = simulation
  const work = async (worker: number) => {
    const random = simulation.random(`worker ${worker}`)
    for (let round = 0; round < 20; round++) {
      await sleep(clock, 100 * fraction(random))
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise<void>((resolve) => process.nextTick(resolve))
      simulation.note(`worker ${worker} round ${round}`)
    }
  }
  return simulation.run(async () => {
    await simulation.finish(Promise.all([work(1), work(2), work(3)]))
    return simulation.trace.digest()
  })
}

test('two runs of a seed leave the same trace, and another seed another one', async () => {
  const first = await busyRun(7)
  assert.equal(await busyRun(7), first)
  assert.notEqual(await busyRun(8), first)
})

test('an event is over when all that it caused is done', async () => {
  const simulation = new Simulation(1)
  const seen: string[] = []
  simulation.clock.after(1, () => {
    setImmediate(() => {
      queueMicrotask(() => setImmediate(() => process.nextTick(() => seen.push('caused by the first'))))
    })
  })
  simulation.clock.after(1, () => seen.push('second'))
  await simulation.run(() => simulation.pass(2))
  assert.deepEqual(seen, ['caused by the first', 'second'])
})

test('the check runs after each event, and its failure carries seed, time and the last lines', async () => {
  const simulation = new Simulation(42)
  simulation.check = () => assert.ok(simulation.clock.monotonicMs() < 3, 'three is too late')
  for (const delayMs of [1, 2, 3]) simulation.clock.after(delayMs, () => simulation.note(`event ${delayMs}`))
  await assert.rejects(
    simulation.run(() => simulation.pass(10)),
    (error: unknown) => {
      assert.ok(error instanceof SimulationFailed)
      assert.equal(error.seed, 42)
      assert.match(
        error.message,
        /^SEED=42 failed at 3\.0 ms: three is too late\n.*event 1\n.*event 2\n.*event 3$/s,
      )
      return true
    },
  )
})

test('a real timer fails where it is set, and is allowed again afterwards', async () => {
  const { setTimeout: before } = globalThis
  const simulation = new Simulation(1)
  const run = simulation.run(async () => {
    globalThis.setTimeout(() => {}, 1)
  })
  await assert.rejects(run, /setTimeout in a simulation/)
  assert.equal(globalThis.setTimeout, before)
})

test('real input and output fails the run', async () => {
  const simulation = new Simulation(1)
  const read = Promise.withResolvers<void>()
  simulation.clock.after(1, () => readFile(import.meta.filename, () => read.resolve()))
  await assert.rejects(
    simulation.run(() => simulation.pass(2)),
    /the real world takes part in a simulation: FSReq/,
  )
  await read.promise
})

test('a rejection that nobody hears fails the run', async () => {
  const simulation = new Simulation(1)
  simulation.clock.after(1, () => void Promise.reject(new Error('unheard')))
  simulation.clock.after(2, () => {})
  await assert.rejects(
    simulation.run(() => simulation.pass(2)),
    /unheard/,
  )
})

test('work that waits for what never comes is found', async () => {
  const simulation = new Simulation(1)
  await assert.rejects(
    simulation.run(() => simulation.finish(new Promise(() => {}))),
    /nothing is left to happen/,
  )
})
