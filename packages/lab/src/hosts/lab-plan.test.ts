import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LabNameInvalid } from '../errors.ts'
import { markText, parseMark } from './lab-mark.ts'
import { bridgeName, HOST_COUNT_MAX, LAB_COUNT_MAX, labPlan } from './lab-plan.ts'

const DEVICE_NAME_LENGTH_MAX = 15
const ALIAS_LENGTH_MAX = 255

const hosts = Array.from({ length: HOST_COUNT_MAX }, (_, index) => `site${index + 1}`)

describe('the plan of a lab', () => {
  test('gives every host of every lab its own addresses, all from the net for tests', () => {
    const seen = new Set<string>()
    for (const number of [0, 1, LAB_COUNT_MAX - 1]) {
      for (const host of labPlan({ name: 'lab', number, hosts }).hosts) {
        for (const address of [host.operatorIp, host.wanIp, host.wanMac]) {
          assert.ok(!seen.has(address), `${address} is given twice`)
          seen.add(address)
        }
        assert.match(host.operatorIp, /^198\.18\.\d+\.\d+$/)
        assert.match(host.wanIp, /^198\.19\.\d+\.\d+$/)
      }
    }
  })

  test('makes device names that the kernel takes', () => {
    const plan = labPlan({ name: 'lab', number: LAB_COUNT_MAX - 1, hosts })
    for (const device of [plan.bridge, ...plan.hosts.map(({ operatorPort }) => operatorPort)]) {
      assert.ok(device.length <= DEVICE_NAME_LENGTH_MAX, device)
    }
    assert.equal(plan.bridge, bridgeName(LAB_COUNT_MAX - 1))
  })

  test('refuses names that would not survive a command line or a path', () => {
    for (const name of ['', 'Lab', 'a.b', 'a b', '-a', '../x', 'ä', 'a'.repeat(33)]) {
      assert.throws(() => labPlan({ name, number: 0, hosts: [] }), LabNameInvalid.is, name)
      assert.throws(() => labPlan({ name: 'lab', number: 0, hosts: [name] }), LabNameInvalid.is, name)
    }
  })
})

describe('the mark of a lab', () => {
  const owner = { pid: 4_194_304, startTicks: 123_456_789_012 }

  test('is read back as it was written, with and without a keeper', () => {
    for (const mark of [
      { name: 'demo', owner },
      { name: 'demo', owner, keeper: { pid: 2, startTicks: 3 } },
    ]) {
      assert.deepEqual(parseMark(markText(mark)), mark)
    }
  })

  test('fits into the alias of a device', () => {
    assert.ok(markText({ name: 'a'.repeat(32), owner, keeper: owner }).length <= ALIAS_LENGTH_MAX)
  })

  test('is not seen in the aliases of others', () => {
    for (const text of ['', 'uplink', 'atoll-lab', 'atoll-lab demo', 'atoll-lab demo 1:x']) {
      assert.equal(parseMark(text), undefined, text)
    }
  })
})
