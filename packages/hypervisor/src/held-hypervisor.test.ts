/** A host that two processes can reach, one at a time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mintId, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { HypervisorClosed } from './errors.ts'
import { HeldHypervisor } from './held-hypervisor.ts'
import { SimulatedHypervisor } from './simulated/simulated-hypervisor.ts'
import { SimulatedMachine } from './simulated/simulated-machine.ts'

test('a host goes from one holder to the next with its guests, and answers nobody in between', async () => {
  const clock = systemClock
  const random = seededRandom('held')
  const machine = new SimulatedMachine({ clock, random })
  const open = async () => new SimulatedHypervisor({ machine, clock })
  const [first, second] = [0, 1].map(() => new HeldHypervisor({ kind: 'simulated', open, log: silentLogger }))
  assert.ok(first && second)
  const heard: string[] = []
  second.subscribe(({ kind }) => heard.push(kind))
  await assert.rejects(first.list(), HypervisorClosed.is)
  await first.hold()
  const spec = {
    id: mintId(random, 1),
    name: 'web',
    fence: 1,
    vcpus: 1,
    ramMib: 64,
    rootDisk: { basePath: '/image', baseFormat: 'raw' as const, sizeBytes: 2 ** 20 },
    interfaces: [],
  }
  await first.start(spec)
  assert.deepEqual(heard, [])
  await first.letGo()
  await assert.rejects(first.get(spec.id), HypervisorClosed.is)
  await second.hold()
  assert.deepEqual(
    (await second.list()).map(({ id, power }) => [id, power]),
    [[spec.id, 'running']],
  )
  await second.stop(spec.id, { mode: 'hard', graceMs: 0 })
  await second.start(spec)
  assert.deepEqual(heard, ['shutdown', 'started'])
  await second.close()
})
