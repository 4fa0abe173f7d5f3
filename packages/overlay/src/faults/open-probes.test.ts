import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { OpenProbes } from './open-probes.ts'

interface Probe {
  seq: number
  secondSeq: number
}

test('a probe is found by both of its pings until it is over, whatever began and ended meanwhile', () => {
  const random = seededRandom(1)
  const open = new OpenProbes<Probe>()
  const bySeq = new Map<number, Probe>()
  const ping = (probe: Probe, which: 'seq' | 'secondSeq') => {
    probe[which] = open.nextSeq()
    open.put(probe[which], probe)
    bySeq.set(probe[which], probe)
  }
  for (let step = 0; step < 20_000; step++) {
    const probes = [...new Set(bySeq.values())]
    const one = probes[random.below(Math.max(1, probes.length))]
    // Some wait for long while many come and go.
    if (!one || random.below(3) === 0) ping({ seq: 0, secondSeq: 0 }, 'seq')
    else if (one.secondSeq === 0 && random.below(2) === 0) ping(one, 'secondSeq')
    else if (one.seq % 50 !== 0) {
      open.delete(one)
      bySeq.delete(one.seq)
      bySeq.delete(one.secondSeq)
    }
    if (step % 100 !== 0) continue
    assert.equal(open.all().length, bySeq.size)
    for (const [seq, probe] of bySeq) assert.equal(open.find(seq), probe)
  }
})

test('a number that is not open, or none at all, finds nothing', () => {
  const open = new OpenProbes<Probe>()
  const probe = { seq: open.nextSeq(), secondSeq: 0 }
  open.put(probe.seq, probe)
  for (const seq of [0, -1, 1.5, Number.NaN, 2 ** 60, probe.seq + 8, 'length' as never, undefined as never])
    assert.equal(open.find(seq), undefined, `${seq}`)
  open.delete(probe)
  assert.equal(open.find(probe.seq), undefined)
})
