/** Statements on keys and values, for tests of what lies below queries. */

import type { RangeRequest, Workspace } from '../execute/workspace.ts'
import type { Statement } from '../transaction/work-scope.ts'

/** The value of a key; undefined when there is none. */
export const get =
  (space: string, key: string): Statement<string | undefined> =>
  (workspace: Workspace) =>
    workspace.cells(space, [key])[0]?.bytes

export const set =
  (space: string, key: string, value: string | null): Statement<void> =>
  (workspace: Workspace) =>
    workspace.write({ space, key, value, holes: [] })

/** The keys of `[from, to)` with their values, in the order asked for. */
export const scan =
  (
    space: string,
    from: string,
    to: string,
    rest: Partial<RangeRequest> = {},
  ): Statement<readonly (readonly [string, string])[]> =>
  (workspace: Workspace) => {
    const view = workspace.range({ space, from, to, limit: 1000, isReversed: false, rowsOf: null, ...rest })
    return view.keys.map((key, index) => [key, view.cells[index]?.bytes ?? ''] as const)
  }
