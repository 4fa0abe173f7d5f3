/** Carries out a plan: neighbouring steps of one tool become one process. */

import { assertNever, type Clock } from '@atoll/kit'
import { reloadDhcp, restartDhcp, stopDhcp } from './dhcp-process.ts'
import type { MetadataListeners } from './metadata-listener.ts'
import type { NetworkNames } from './network-state.ts'
import type { Step } from './plan.ts'
import { insideNamespace, type RunProgram } from './program.ts'

export interface ExecuteOptions {
  readonly run: RunProgram
  readonly clock: Clock
  readonly names: NetworkNames
  readonly metadata: MetadataListeners
}

/** Stops at the first failure; what was done stays, and the next plan goes on from there. */
export async function execute(steps: readonly Step[], options: ExecuteOptions): Promise<void> {
  for (const group of groupByTool(steps)) await executeGroup(group, options)
}

function groupByTool(steps: readonly Step[]): readonly (readonly [Step, ...Step[]])[] {
  const groups: [Step, ...Step[]][] = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (last?.[0].tool === step.tool) last.push(step)
    else groups.push([step])
  }
  return groups
}

async function executeGroup(group: readonly [Step, ...Step[]], options: ExecuteOptions): Promise<void> {
  const { run, names } = options
  const { tool } = group[0]
  const input = group.map((step) => ('line' in step ? `${step.line}\n` : '')).join('')
  const batch = { args: ['-batch', '-'], input }
  switch (tool) {
    case 'ip':
    case 'bridge':
      await run({ program: tool, ...batch })
      return
    case 'ip-inside':
      await run(insideNamespace(names.namespacePath, { program: 'ip', ...batch }))
      return
    case 'nft':
      // One file is one transaction.
      await run({ program: 'nft', args: ['-f', '-'], input })
      return
    case 'namespace':
    case 'dhcp':
    case 'metadata':
      for (const step of group) await executeStep(step, options)
      return
    default:
      assertNever(tool)
  }
}

async function executeStep(step: Step, options: ExecuteOptions): Promise<void> {
  const { run, names, metadata } = options
  if (step.tool === 'namespace') await run({ program: 'ip', args: ['netns', ...step.args] })
  else if (step.tool === 'metadata') {
    if (step.action === 'open') await metadata.open(names.alias.networkId, names.namespacePath)
    else await metadata.close(names.alias.networkId)
  } else if (step.tool === 'dhcp') {
    if (step.action === 'restart') await restartDhcp(options, step)
    else if (step.action === 'reload') await reloadDhcp(names.directory, step.reservations)
    else await stopDhcp(options)
  }
}
