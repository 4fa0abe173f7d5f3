/** The world of the peer under test: a real SQLite file, everything else in memory, and a clock that a test puts forward. */

import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simulatedConfigDrives } from '@atoll/compute'
import { SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import { SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createTestPasswords } from '@atoll/identity'
import { ImageStore, MemoryFiles } from '@atoll/images'
import { type Clock, type Logger, silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { type KeyRing, MockNetwork } from '@atoll/overlay'
import type { World, WorldHost } from '@atoll/peer'
import { openSqlite, type Store } from '@atoll/rome'

export interface TestWorld {
  readonly world: World
  /** Puts the wall clock forward; timers are not touched. */
  readonly advance: (byMs: number) => void
  /** What was logged as an error: each is a bug that a reply hides behind a 500. */
  readonly bugs: readonly unknown[]
  readonly close: () => Promise<void>
}

/** More than any test asks for, so that no host is full. */
const HOST = { vcpus: 100_000, ramMib: 2 ** 30, diskBytes: 2 ** 50 }
const TUNNEL_IP = '198.18.1.1'

/** Default store: a SQLite file that is gone after the test. */
export async function openWorld(site: string, given?: Store): Promise<TestWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-contract-'))
  let aheadMs = 0
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }
  const bugs: unknown[] = []
  const store = given ?? openSqlite({ path: join(directory, 'state.sqlite') })
  const files = new MemoryFiles({ clock })
  const network = new MockNetwork({ clock, random: systemRandom })
  const keys = makeKeys()
  return {
    world: {
      clock,
      random: systemRandom,
      log: remember(bugs),
      store,
      keys: () => keys,
      transport: network.connect({ cloud: 'reef', site, peer: 'peer-1' }),
      signatures: (isRevoked) => network.authority.issue({ site, isRevoked }),
      images: await ImageStore.open({ path: '/images', files, clock }),
      files,
      passwords: createTestPasswords({ random: systemRandom }),
      hosts: [openHost(clock)],
      directories: { images: '/cache' },
      configDrives: simulatedConfigDrives(),
    },
    advance: (byMs) => {
      aheadMs += byMs
    },
    bugs,
    close: async () => {
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function openHost(clock: Clock): WorldHost {
  const machine = new SimulatedMachine({ clock, random: systemRandom, resources: HOST })
  return {
    name: 'host-1',
    tunnelIp: TUNNEL_IP,
    hypervisor: new SimulatedHypervisor({ machine, clock }),
    makeFabric: () => new SimulatedFabric({ underlay: new SimulatedUnderlay(), tunnelIp: TUNNEL_IP }),
  }
}

/** No certificates: nobody connects. */
function makeKeys(): KeyRing {
  const { privateKey } = generateKeyPairSync('ed25519')
  const none = { certificate: '', privateKey: '' }
  return {
    cloudAuthority: none,
    site: none,
    peer: none,
    signingKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function remember(bugs: unknown[]): Logger {
  const log: Logger = {
    ...silentLogger,
    error: (fields) => void bugs.push((fields as { err?: unknown }).err ?? fields),
    child: () => log,
  }
  return log
}
