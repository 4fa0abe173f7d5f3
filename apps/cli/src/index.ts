/** What the tests and benchmarks of whole clouds share with the demo. */

export * from './admin-client.ts'
export { cloudScenarios } from './commands/cloud-scenarios.ts'
export { newSshPublicKey } from './demo/ssh-key.ts'
export * from './local-cloud/local-cloud.ts'
export { LocalPeer } from './local-cloud/local-peer.ts'
export { labMachine } from './local-cloud/peer-machine.ts'
export * from './local-cloud/site-store.ts'
export * from './local-cloud/store-kinds.ts'
export { atollArguments, projectHome } from './run-program.ts'
