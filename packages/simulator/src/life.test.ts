import assert from 'node:assert/strict'
import test from 'node:test'
import { Life } from './life.ts'
import { comeToRest } from './rest.ts'
import { SimulatedClock } from './simulated-clock.ts'

class Disk {
  readonly #written: string[] = []

  async write(text: string): Promise<string> {
    await Promise.resolve()
    this.#written.push(text)
    return text
  }

  count(): number {
    return this.#written.length
  }
}

test('the living hear of what they do', async () => {
  const disk = new Life().wrap(new Disk())
  assert.equal(await disk.write('a'), 'a')
  assert.equal(disk.count(), 1)
})

test('after a death nothing happens any more', async () => {
  const [life, real] = [new Life(), new Disk()]
  const disk = life.wrap(real)
  life.end()
  let isHeard = false
  void disk.write('a').then(() => {
    isHeard = true
  })
  await comeToRest()
  assert.equal(real.count(), 0)
  assert.equal(isHeard, false)
})

test('what was under way at a death is done, and not heard of', async () => {
  const [life, real] = [new Life(), new Disk()]
  let isHeard = false
  void life
    .wrap(real)
    .write('a')
    .then(() => {
      isHeard = true
    })
  life.end()
  await comeToRest()
  assert.equal(real.count(), 1)
  assert.equal(isHeard, false)
})

test('timers die with their process', () => {
  const [life, real] = [new Life(), new SimulatedClock()]
  const clock = life.clock(real)
  const seen: string[] = []
  clock.after(1, () => seen.push('before'))
  clock.after(3, () => seen.push('after'))
  real.fireNext()
  life.end()
  clock.after(1, () => seen.push('set by the dead'))
  while (real.fireNext());
  assert.deepEqual(seen, ['before'])
})

test('who waits for an answer of a process hears of its death', async () => {
  const life = new Life()
  const never = life.answer(new Promise<string>(() => {}))
  assert.equal(await life.answer(Promise.resolve('alive')), 'alive')
  await assert.rejects(life.answer(Promise.reject(new Error('refused'))), /refused/)
  life.end()
  assert.equal(await never, undefined)
  assert.equal(await life.answer(Promise.resolve('too late')), undefined)
})
