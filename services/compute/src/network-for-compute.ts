/** What compute asks of the network service. The composition root gives it the real one; tests a small fake. */

import type { Reader, Scope, StateTransaction } from '@atoll/state'

export interface NetworkForCompute {
  /**
   * The networks that a server joins when it names none: the one that its project can use, or none.
   * @throws when there are several to choose from
   */
  defaultNetworks(
    reader: Reader,
    scope: Scope,
    projectId: string,
  ): Promise<readonly { readonly id: string }[]>
  /**
   * Makes a port for a server, or binds one that exists, in the server's own transaction.
   * @throws errors of status 400, 404 or 409 in the network service's words
   */
  preparePort(
    transaction: StateTransaction,
    scope: Scope,
    request: PortRequest,
  ): Promise<{ readonly id: string }>
  /** Deletes the ports that were made with the server and unbinds the others. Ports that are gone are skipped. */
  unbindOrDeletePorts(transaction: StateTransaction, release: PortRelease): Promise<void>
  /** Turns what a failed transaction of ours threw into the network service's words, where it is its matter. */
  asNetworkError(reader: Reader, error: unknown): Promise<unknown>
  /** The interfaces of each of these servers, in the order of their ports, in a handful of queries for all of them. */
  interfacesOf(
    reader: Reader,
    serverIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly NetworkInterface[]>>
}

export interface PortRequest {
  readonly projectId: string
  readonly serverId: string
  readonly host: string
  /** `compute:<availability zone>` */
  readonly deviceOwner: string
  /** A port that exists; else one is made on `networkId`. */
  readonly portId?: string
  readonly networkId?: string
  /** The address that the new port must have. */
  readonly fixedIp?: string
}

export interface PortRelease {
  readonly serverId: string
  readonly portIds: readonly string[]
  /** Those of `portIds` that go with the server. */
  readonly ownPortIds: readonly string[]
}

export interface NetworkInterface {
  readonly portId: string
  readonly networkId: string
  readonly networkName: string
  readonly macAddress: string
  readonly status: string
  readonly fixedIps: readonly { readonly subnet_id: string; readonly ip_address: string }[]
}
