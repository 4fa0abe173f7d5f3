/** What the services do about records of a site that was lost: the heir's federation asks, and they know nothing of sites. */

import { recountQuotas, servers, settleDisplacedServer } from '@atoll/compute'
import type { Displacement } from '@atoll/federation'
import { numbersInUse, ports, settleDisplacedPort } from '@atoll/network'
import type { Row } from '@atoll/rome'
import { networkForCompute } from './neighbours.ts'

export const displacement: Displacement = {
  settle: {
    [ports.name]: (transaction, row) => settleDisplacedPort(transaction, row as Row<typeof ports>),
    [servers.name]: (transaction, row) =>
      settleDisplacedServer(transaction, row as Row<typeof servers>, networkForCompute),
  },
  numbersInUse,
  recount: recountQuotas,
}
