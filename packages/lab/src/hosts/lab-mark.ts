/**
 * What a lab leaves in the kernel about itself: the alias of its bridge says its name and which processes stand behind
 * it. It vanishes with the bridge and at a reboot, so there is no file to go stale.
 */

import { runProgram } from '../run-program.ts'
import { LAB_COUNT_MAX } from './lab-plan.ts'
import type { ProcessIdentity } from './process-identity.ts'

export interface LabMark {
  readonly name: string
  /** The process that made the lab. */
  readonly owner: ProcessIdentity
  /** The process that plays the WAN and removes the lab when the owner is gone; absent while the lab is being made. */
  readonly keeper?: ProcessIdentity
}

export interface MarkedLab {
  readonly number: number
  readonly bridge: string
  readonly mark: LabMark
}

interface LinkRow {
  readonly ifname: string
  readonly ifalias?: string
}

const PREFIX = 'atoll-lab '

/** Three words at most, because an alias holds 255 bytes and `ip -batch` splits at spaces within no quotes. */
export function markText({ name, owner, keeper }: LabMark): string {
  const processes = [owner, ...(keeper === undefined ? [] : [keeper])]
  return `${PREFIX}${name} ${processes.map(({ pid, startTicks }) => `${pid}:${startTicks}`).join(' ')}`
}

export function parseMark(text: string): LabMark | undefined {
  const [, name, ownerPid, ownerTicks, keeperPid, keeperTicks] =
    /^atoll-lab ([a-z0-9-]+) (\d+):(\d+)(?: (\d+):(\d+))?$/.exec(text) ?? []
  if (name === undefined) return undefined
  const owner = { pid: Number(ownerPid), startTicks: Number(ownerTicks) }
  if (keeperPid === undefined) return { name, owner }
  return { name, owner, keeper: { pid: Number(keeperPid), startTicks: Number(keeperTicks) } }
}

/** The labs of this machine, whoever made them. */
export async function markedLabs(): Promise<readonly MarkedLab[]> {
  const rows = JSON.parse(
    await runProgram('ip', ['-j', 'link', 'show', 'type', 'bridge']),
  ) as readonly LinkRow[]
  return rows.flatMap(({ ifname, ifalias }) => {
    const number = Number(/^atoll-lab(\d+)$/.exec(ifname)?.[1] ?? LAB_COUNT_MAX)
    const mark = parseMark(ifalias ?? '')
    return number < LAB_COUNT_MAX && mark !== undefined ? [{ number, bridge: ifname, mark }] : []
  })
}

export async function writeMark(bridge: string, mark: LabMark): Promise<void> {
  await runProgram('ip', ['link', 'set', 'dev', bridge, 'alias', markText(mark)])
}
