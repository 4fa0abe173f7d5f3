/**
 * Whether a site may be the home of the row that it sends. Its word alone counts for nothing: the row's domain, and
 * that of the row which it would replace, must trust it, and the home must have come to it rightfully, from where the
 * record was made, by hand-overs that each former home has signed.
 */

import type { AnyRecord, IdOrigin, RecordTable } from './define-record.ts'
import type { Reader } from './reader.ts'

/** A hand-over of a record's home, as the site that gives it up signs it. */
export interface Move {
  readonly table: string
  readonly id: string
  readonly from: string
  readonly to: string
  /** The generation that begins with it. */
  readonly generation: number
}

/** The signed text of a move. */
export type SignMove = (move: Move) => string

/**
 * A record keeps all its moves, since a site that has never seen it must be able to follow them from where it was
 * made. A signed one has about 400 bytes; a port moves when a server of another site takes it.
 */
export const MOVES_MAX = 32

/** Decides whether `site` may be the home of a domain's records, from what `reader` sees: the page included. */
export type AuthorityCheck = (domainId: string, site: string, reader: Reader) => Promise<boolean>

/** What this site knows of the others, to judge what one of them says. Readers see what is being applied. */
export interface Trust {
  readonly hasAuthority: AuthorityCheck
  /** Whether what a row says of its home is proven, as far as that is possible. Default: yes. */
  readonly vouchesFor?: (table: string, row: AnyRecord) => boolean
  /** Whether a record of this id can have been made at `site`. */
  mayName(
    site: string,
    named: { readonly id: string; readonly ids: IdOrigin },
    reader: Reader,
  ): Promise<boolean>
  /** What a signed move says; undefined unless the site that it names as `from` has signed it, with a key known here. */
  readMove(text: string, reader: Reader): Promise<Move | undefined>
}

export interface Claim {
  readonly table: RecordTable
  /** Newer than `current`. */
  readonly incoming: AnyRecord
  /** What this site knows of the record. */
  readonly current: AnyRecord | undefined
  readonly trust: Trust
  readonly reader: Reader
}

/** Whether the home that `incoming` names may be that. False also for what cannot be judged yet. */
export async function mayOwn(claim: Claim): Promise<boolean> {
  const { table, incoming, current, trust, reader } = claim
  // Both rows: otherwise a record of one domain could be replaced in the name of another.
  for (const row of current ? [incoming, current] : [incoming]) {
    if (table.soleHome && table.soleHome(row) !== incoming.home) return false
    if (row === incoming && trust.vouchesFor && !trust.vouchesFor(table.name, row)) return false
    const domainId = table.authority?.(row) ?? null
    if (domainId !== null && !(await trust.hasAuthority(domainId, incoming.home, reader))) return false
  }
  if (current && current.generation === incoming.generation) return current.home === incoming.home
  if (!current && incoming.generation === 1) return wasMadeAt(incoming.home, claim)
  return wasMoved(claim)
}

function wasMadeAt(site: string, { table, incoming, trust, reader }: Claim): Promise<boolean> {
  if (table.soleHome) return Promise.resolve(true)
  return trust.mayName(site, { id: incoming.id, ids: table.ids }, reader)
}

/** Follows the moves one by one, from the home that is known here, else from where the record was made. */
async function wasMoved(claim: Claim): Promise<boolean> {
  const { table, incoming, current, trust, reader } = claim
  const moves = textsOf(incoming.moves)
  if (!table.followsUse || moves.length > MOVES_MAX || moves.length !== incoming.generation - 1) return false
  let { home, generation } = current ?? { home: undefined, generation: 1 }
  for (const text of moves.slice(generation - 1)) {
    const move = await trust.readMove(text, reader)
    if (move?.table !== table.name || move.id !== incoming.id) return false
    if (home === undefined && !(await wasMadeAt(move.from, claim))) return false
    if (move.from !== (home ?? move.from) || move.generation !== generation + 1) return false
    home = move.to
    generation = move.generation
  }
  return home === incoming.home && generation === incoming.generation
}

function textsOf(moves: unknown): readonly string[] {
  return Array.isArray(moves) ? moves.filter((text) => typeof text === 'string') : []
}
