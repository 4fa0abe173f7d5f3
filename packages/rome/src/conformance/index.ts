/** Suites that whoever adds a store runs over it. They register tests of `node:test`. */

export type { KeyValueHarness, MakeHarness } from './key-value-harness.ts'
export { keyValueSuite } from './key-value-suite.ts'
