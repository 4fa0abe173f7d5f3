/** Networks, subnets and ports: Neutron v2.0, what compute does with ports, and the agent that wires them. */

export { createNetworkAgent, type NetworkAgent, type NetworkAgentOptions } from './agent/network-agent.ts'
export { type PortWiring, WIRING_TIMEOUT_MS } from './agent/port-wiring.ts'
export { asNetworkError } from './as-network-error.ts'
export { createNetworkApi, type NetworkApiOptions, VNIS } from './create-network-api.ts'
export * from './errors.ts'
export { type AddressReturnOptions, createAddressReturn } from './ports/address-return.ts'
export { numbersInUse, settleDisplacedPort } from './ports/displaced.ts'
export { interfacesOf, type ServerInterface } from './ports/server-interfaces.ts'
export {
  defaultNetworks,
  type PreparePort,
  preparePort,
  type ReleasePorts,
  unbindOrDeletePorts,
} from './ports/server-ports.ts'
export * from './records.ts'
