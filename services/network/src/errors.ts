/** What the network service answers when it cannot do what it was asked, in Neutron's words and type names. */

import { defineError } from '@atoll/kit'

export const NetworkNotFound = defineError({
  code: 'network.network.not_found',
  status: 404,
  fault: 'NetworkNotFound',
  message: ({ id }: { id: string }) => `Network ${id.slice(0, 64)} could not be found.`,
})

export const SubnetNotFound = defineError({
  code: 'network.subnet.not_found',
  status: 404,
  fault: 'SubnetNotFound',
  message: ({ id }: { id: string }) => `Subnet ${id.slice(0, 64)} could not be found.`,
})

export const PortNotFound = defineError({
  code: 'network.port.not_found',
  status: 404,
  fault: 'PortNotFound',
  message: ({ id }: { id: string }) => `Port ${id.slice(0, 64)} could not be found.`,
})

export const ExtensionNotFound = defineError({
  code: 'network.extension.not_found',
  status: 404,
  fault: 'HTTPNotFound',
  message: ({ alias }: { alias: string }) => `Extension with alias ${alias.slice(0, 64)} does not exist`,
})

/** A request that its schema cannot refuse. Neutron calls it InvalidInput, too. */
export const InvalidInput = defineError({
  code: 'network.request.invalid_input',
  status: 400,
  fault: 'InvalidInput',
  message: ({ reason }: { reason: string }) => `Invalid input for operation: ${reason}.`,
})

export const NetworkInUse = defineError({
  code: 'network.network.in_use',
  status: 409,
  fault: 'NetworkInUse',
  message: ({ id }: { id: string }) =>
    `Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`,
})

export const InvalidSharedSetting = defineError({
  code: 'network.network.shared_in_use',
  status: 409,
  fault: 'InvalidSharedSetting',
  message: ({ network }: { network: string }) =>
    `Unable to reconfigure sharing settings for network ${network}. Multiple tenants are using it.`,
})

export const NoNetworkAvailable = defineError({
  code: 'network.network.no_vni',
  status: 503,
  fault: 'NoNetworkAvailable',
  message: () => 'Unable to create the network. No tenant network is available for allocation.',
})

export const SubnetInUse = defineError({
  code: 'network.subnet.in_use',
  status: 409,
  fault: 'SubnetInUse',
  message: ({ id }: { id: string }) =>
    `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
})

export const DNSNameServersExhausted = defineError({
  code: 'network.subnet.too_many_dns_nameservers',
  status: 400,
  fault: 'DNSNameServersExhausted',
  message: ({ limit }: { limit: number }) =>
    `Unable to complete operation for the subnet. The number of DNS nameservers exceeds the limit ${limit}.`,
})

export const HostRoutesExhausted = defineError({
  code: 'network.subnet.too_many_host_routes',
  status: 400,
  fault: 'HostRoutesExhausted',
  message: ({ limit }: { limit: number }) =>
    `Unable to complete operation for the subnet. The number of host routes exceeds the limit ${limit}.`,
})

export const InvalidAllocationPool = defineError({
  code: 'network.subnet.invalid_pool',
  status: 400,
  fault: 'InvalidAllocationPool',
  message: ({ pool }: { pool: string }) => `The allocation pool ${pool} is not valid.`,
})

export const OutOfBoundsAllocationPool = defineError({
  code: 'network.subnet.pool_out_of_bounds',
  status: 400,
  fault: 'OutOfBoundsAllocationPool',
  message: ({ pool, cidr }: { pool: string; cidr: string }) =>
    `The allocation pool ${pool} spans beyond the subnet cidr ${cidr}.`,
})

export const OverlappingAllocationPools = defineError({
  code: 'network.subnet.overlapping_pools',
  status: 409,
  fault: 'OverlappingAllocationPools',
  message: ({ first, second, cidr }: { first: string; second: string; cidr: string }) =>
    `Found overlapping allocation pools: ${first} ${second} for subnet ${cidr}.`,
})

export const GatewayConflictWithAllocationPools = defineError({
  code: 'network.subnet.gateway_in_pool',
  status: 409,
  fault: 'GatewayConflictWithAllocationPools',
  message: ({ gateway, pool }: { gateway: string; pool: string }) =>
    `Gateway ip ${gateway} conflicts with allocation pool ${pool}.`,
})

export const PortInUse = defineError({
  code: 'network.port.in_use',
  status: 409,
  fault: 'PortInUse',
  message: ({ id }: { id: string }) => `Port ${id} is still in use.`,
})

export const ServicePortInUse = defineError({
  code: 'network.port.kept_by_service',
  status: 409,
  fault: 'ServicePortInUse',
  message: ({ id, owner }: { id: string; owner: string }) =>
    `Port ${id} cannot be deleted directly via the port API: has device owner ${owner}.`,
})

export const MacAddressInUse = defineError({
  code: 'network.port.mac_address_in_use',
  status: 409,
  fault: 'MacAddressInUse',
  message: ({ networkId, macAddress }: { networkId: string; macAddress: string }) =>
    `Unable to complete operation for network ${networkId}. The mac address ${macAddress} is in use.`,
})

export const MacAddressGenerationFailure = defineError({
  code: 'network.port.no_mac_address',
  status: 503,
  fault: 'MacAddressGenerationFailure',
  message: ({ networkId }: { networkId: string }) => `Unable to generate unique mac on network ${networkId}.`,
})

export const IpAddressGenerationFailure = defineError({
  code: 'network.address.exhausted',
  status: 409,
  fault: 'IpAddressGenerationFailure',
  message: ({ networkId }: { networkId: string }) =>
    `No more IP addresses available on network ${networkId}.`,
})

export const IpAddressAlreadyAllocated = defineError({
  code: 'network.address.already_allocated',
  status: 409,
  fault: 'IpAddressAlreadyAllocated',
  message: ({ ipAddress, subnetId }: { ipAddress: string; subnetId: string }) =>
    `IP address ${ipAddress} already allocated in subnet ${subnetId}.`,
})

/** The address is free, but another site of the cloud may hand it out at any time. */
export const IpAddressLent = defineError({
  code: 'network.address.lent',
  status: 409,
  fault: 'IpAddressInUse',
  message: ({ ipAddress, subnetId }: { ipAddress: string; subnetId: string }) =>
    `IP address ${ipAddress} of subnet ${subnetId} is set aside for another availability zone.`,
})

export const InvalidIpForNetwork = defineError({
  code: 'network.address.not_in_network',
  status: 400,
  fault: 'InvalidIpForNetwork',
  message: ({ ipAddress }: { ipAddress: string }) =>
    `IP address ${ipAddress} is not a valid IP for any of the subnets on the specified network.`,
})

export const InvalidIpForSubnet = defineError({
  code: 'network.address.not_in_subnet',
  status: 400,
  fault: 'InvalidIpForSubnet',
  message: ({ ipAddress }: { ipAddress: string }) =>
    `IP address ${ipAddress} is not a valid IP for the specified subnet.`,
})

/** Nova's refusals when a server asks for a network; compute throws them on as they are. */
export const NetworkRequiresSubnet = defineError({
  code: 'network.server.network_requires_subnet',
  status: 400,
  fault: 'badRequest',
  message: ({ id }: { id: string }) => `Network ${id} requires a subnet in order to boot instances on.`,
})

export const PortRequiresFixedIp = defineError({
  code: 'network.server.port_requires_fixed_ip',
  status: 400,
  fault: 'badRequest',
  message: ({ id }: { id: string }) => `Port ${id} requires a FixedIP in order to be used.`,
})

export const NetworkAmbiguous = defineError({
  code: 'network.server.network_ambiguous',
  status: 409,
  fault: 'conflictingRequest',
  message: () => 'Multiple possible networks found, use a Network ID to be more specific.',
})

/** The host has not wired a port in time; the agent goes on trying. */
export const PortNotWired = defineError({
  code: 'network.agent.port_not_wired',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ id, timeoutMs }: { id: string; timeoutMs: number }) =>
    `Port ${id} was not wired within ${timeoutMs} ms.`,
})
