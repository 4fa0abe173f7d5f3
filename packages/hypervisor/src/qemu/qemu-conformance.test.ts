/** Real QEMU, with real guests of one boot sector, passes the common suite. */

import { test } from 'node:test'
import { hypervisorConformance } from '../hypervisor-conformance.ts'
import { BOOTED_TEXT, makeTestHost, reasonToSkip, testClock } from './test-host.ts'

const skip = reasonToSkip()

if (skip === false) {
  hypervisorConformance('the QEMU hypervisor', async () => {
    const host = await makeTestHost()
    return {
      clock: testClock,
      bootedText: BOOTED_TEXT,
      open: () => host.open(),
      spec: (behaviour) => {
        if (behaviour !== 'broken') return host.spec(behaviour)
        const rootDisk = {
          basePath: `${host.directory}/missing`,
          baseFormat: 'raw',
          sizeBytes: 4096,
        } as const
        return host.spec('obedient', { rootDisk })
      },
      kill: async ({ pid = 0 }) => {
        process.kill(pid, 'SIGKILL')
      },
      close: host.close,
    }
  })
} else {
  test('the QEMU hypervisor keeps the contracts of a hypervisor', { skip }, () => {})
}
