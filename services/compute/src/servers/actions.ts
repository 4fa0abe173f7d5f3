/** What can be asked of a server: `POST /servers/{id}/action`. Each commits what the owner wants; its host does it. */

import { validateBody } from '@atoll/http'
import type { Patch, StateTransaction } from '@atoll/state'
import { type Static, type TSchema, Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { Conflict } from '../errors.ts'
import { unknownAction } from '../flavors/access-routes.ts'
import { servers } from '../records.ts'
import { removeServer } from '../reports.ts'
import type { RequestContext } from '../request-context.ts'
import { closed } from '../schemas.ts'
import { findServer } from './find.ts'
import { checkState, withAction } from './states.ts'
import type { ServerRow } from './status.ts'

interface ServerActionKind {
  readonly rule: string
  readonly schema: TSchema
  readonly perform: (
    dependencies: ComputeDependencies,
    context: RequestContext,
    argument: unknown,
  ) => Promise<unknown>
}

const kind = <Argument extends TSchema>(definition: {
  readonly rule: string
  readonly argument: Argument
  readonly perform: (
    dependencies: ComputeDependencies,
    context: RequestContext,
    argument: Static<Argument>,
  ) => Promise<unknown>
}): ServerActionKind => ({ ...definition, schema: definition.argument }) as unknown as ServerActionKind

const rebootType = Type.Unsafe<string>({
  type: 'string',
  enum: ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft'],
})
const length = Type.Unsafe<number | string | null>({
  type: ['integer', 'string', 'null'],
  pattern: '^-?[0-9]{1,10}$',
  minimum: -1,
})

const kinds: Readonly<Record<string, ServerActionKind>> = {
  'os-start': kind({
    rule: 'os_compute_api:servers:start',
    argument: Type.Unknown(),
    perform: ({ state }, context) => change(state, context, 'start', startPatch),
  }),
  'os-stop': kind({
    rule: 'os_compute_api:servers:stop',
    argument: Type.Unknown(),
    perform: ({ state }, context) => change(state, context, 'stop', stopPatch),
  }),
  reboot: kind({
    rule: 'os_compute_api:servers:reboot',
    argument: closed({ type: rebootType }),
    perform: ({ state }, context, { type }) =>
      change(state, context, 'reboot', (server) =>
        rebootPatch(server, type.toUpperCase() as 'SOFT' | 'HARD'),
      ),
  }),
  forceDelete: kind({
    rule: 'os_compute_api:os-deferred-delete:force',
    argument: Type.Unknown(),
    perform: deleteServer,
  }),
  'os-getConsoleOutput': kind({
    rule: 'os_compute_api:os-console-output',
    argument: closed({ length: Type.Optional(length) }),
    perform: showConsole,
  }),
}

/** Performs the action that the body names. @throws InvalidRequest for one that is not offered */
export async function performAction(
  dependencies: ComputeDependencies,
  context: RequestContext,
): Promise<unknown> {
  const body = context.body as Readonly<Record<string, unknown>>
  const [name = ''] = Object.keys(body)
  const action = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (!action) throw unknownAction(body)
  context.authorize(action.rule)
  validateBody(closedBodies.get(name) ?? Type.Never(), body)
  return action.perform(dependencies, context, body[name])
}

const closedBodies: ReadonlyMap<string, TSchema> = new Map(
  Object.entries(kinds).map(([name, { schema }]) => [name, closed({ [name]: schema })]),
)

/**
 * Asks for a server to go. Its host destroys the guest and reports; one that has no host goes at once.
 * Asking again changes nothing.
 */
export async function deleteServer(
  { state, network }: ComputeDependencies,
  context: RequestContext,
): Promise<undefined> {
  await state.transaction(async (transaction) => {
    const server = await findServer(transaction, context)
    if (server.intent === 'deleted') return
    const actions = withAction(server, { action: 'delete', nowMs: transaction.nowMs, context })
    if (server.host === '') await removeServer(transaction, { ...server, ...actions }, network)
    else
      await transaction.update(servers, server.id, { ...actions, intent: 'deleted', task_state: 'deleting' })
  })
  return undefined
}

async function change(
  state: ComputeDependencies['state'],
  context: RequestContext,
  action: string,
  patchOf: (server: ServerRow) => Patch<typeof servers>,
): Promise<undefined> {
  await state.transaction(async (transaction: StateTransaction) => {
    const server = await findServer(transaction, context)
    const patch = patchOf(server)
    const actions = withAction(server, { action, nowMs: transaction.nowMs, context })
    await transaction.update(servers, server.id, { ...patch, ...actions })
  })
  context.setStatus(202)
  return undefined
}

function startPatch(server: ServerRow): Patch<typeof servers> {
  checkState(server, { action: 'start', vmStates: ['stopped'], taskStates: [null], mustHaveLaunched: true })
  // A new life: what the host still says of the old one no longer counts.
  return { intent: 'running', task_state: 'powering-on', fence: server.fence + 1 }
}

function stopPatch(server: ServerRow): Patch<typeof servers> {
  checkState(server, {
    action: 'stop',
    vmStates: ['active', 'error'],
    taskStates: [null],
    mustHaveLaunched: true,
  })
  return { intent: 'stopped', task_state: 'powering-off' }
}

function rebootPatch(server: ServerRow, kind: 'SOFT' | 'HARD'): Patch<typeof servers> {
  const isSoft = kind === 'SOFT'
  checkState(server, {
    action: 'reboot',
    vmStates: isSoft ? ['active'] : ['active', 'stopped', 'error'],
    taskStates: isSoft ? [null] : [null, 'rebooting', 'rebooting_hard'],
    mustHaveLaunched: true,
  })
  return {
    intent: 'running',
    reboots_wanted: server.reboots_wanted + 1,
    reboot_kind: kind,
    task_state: isSoft ? 'rebooting' : 'rebooting_hard',
  }
}

async function showConsole(
  { state, consoleOutput }: ComputeDependencies,
  context: RequestContext,
  argument: { readonly length?: number | string | null },
): Promise<{ output: string }> {
  const server = await findServer(state, context)
  if (server.host === '' || server.vm_state === 'building')
    throw Conflict({ message: `Instance ${server.id} is not ready` })
  const { length } = argument
  const isAll = length === undefined || length === null || Number(length) === -1
  const output = await consoleOutput(server, isAll ? undefined : Number(length))
  context.setStatus(200)
  return { output: output.replaceAll(/(?![\t\n])\p{Cc}/gu, '') }
}
