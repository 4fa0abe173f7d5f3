/** What the scheduler knows of a host: plain numbers, copied from wherever the host's record is kept. */

/** An amount of everything that a server takes from its host. */
export interface Resources {
  readonly vcpus: number
  readonly ramMib: number
  readonly diskGib: number
}

export interface HostSnapshot {
  readonly id: string
  readonly name: string
  readonly availabilityZone: string
  /** False while an operator keeps new servers away. */
  readonly isEnabled: boolean
  readonly total: Resources
  readonly used: Resources
  readonly serversCount: number
  /** How many virtual CPUs one real CPU stands for. */
  readonly cpuAllocationRatio: number
}

/** What is left of a host. RAM and disk are never over-committed; CPUs up to the host's ratio. */
export function freeOf({ total, used, cpuAllocationRatio }: HostSnapshot): Resources {
  return {
    vcpus: Math.floor(total.vcpus * cpuAllocationRatio) - used.vcpus,
    ramMib: total.ramMib - used.ramMib,
    diskGib: total.diskGib - used.diskGib,
  }
}

/** True when the host has room for `needs`. One server never gets more CPUs than the host really has, as in Nova. */
export function hasRoom(host: HostSnapshot, needs: Resources): boolean {
  const { total, used, cpuAllocationRatio } = host
  return (
    needs.vcpus <= total.vcpus &&
    used.vcpus + needs.vcpus <= Math.floor(total.vcpus * cpuAllocationRatio) &&
    used.ramMib + needs.ramMib <= total.ramMib &&
    used.diskGib + needs.diskGib <= total.diskGib
  )
}
