/**
 * Whether a site may be the home of the row that it sends. Its word alone counts for nothing: the row's domain, and
 * that of the row which it would replace, must trust it, and the home must have come to it rightfully, from where the
 * record was made, by hand-overs that each former home has signed, or, where that is lost for good, its heir.
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
  /** Of a forced move: the heir that signs it, since `from` is lost for good. */
  readonly by?: string
}

/** The signed text of a move. */
export type SignMove = (move: Move) => string

/**
 * A record keeps all its moves, since a site that has never seen it must be able to follow them from where it was
 * made. A signed one has about 400 bytes; a port moves when a server of another site takes it.
 */
export const MOVES_MAX = 32

/** With those by force, which are not refused for want of room: a record of a lost site must find a home. */
export const HISTORY_MAX = 2 * MOVES_MAX

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
  /** What a signed move says; undefined unless the site that has to sign it has done so, with a key known here. */
  readMove(text: string, reader: Reader): Promise<Move | undefined>
  /**
   * The sites that may take over what `site` kept, since it is lost for good: whoever counts comes first. Empty for a site that
   * is not lost. Callers rely on the order of two that are known: it never changes.
   */
  heirsOf(site: string, reader: Reader): Promise<readonly string[]>
}

export interface Claim {
  readonly table: RecordTable
  readonly incoming: AnyRecord
  /** What this site knows of the record. */
  readonly current: AnyRecord | undefined
  readonly trust: Trust
  readonly reader: Reader
}

/** `refused`: the home that `incoming` names may not be that; also for what cannot be judged yet. */
export type Verdict = 'newer' | 'stale' | 'refused'

export async function judge(claim: Claim): Promise<Verdict> {
  if (!(await supersedes(claim))) return 'stale'
  return (await mayOwn(claim)) ? 'newer' : 'refused'
}

/** Whether the home that `incoming` names may be that. False also for what cannot be judged yet. */
async function mayOwn(claim: Claim): Promise<boolean> {
  const { table, incoming, current, trust, reader } = claim
  // Both rows: otherwise a record of one domain could be replaced in the name of another.
  for (const row of current ? [incoming, current] : [incoming]) {
    if (table.soleHome && table.soleHome(row) !== incoming.home) return false
    if (row === incoming && trust.vouchesFor && !trust.vouchesFor(table.name, row)) return false
    const domainId = table.authority?.(row) ?? null
    if (domainId !== null && !(await trust.hasAuthority(domainId, incoming.home, reader))) return false
  }
  if (!current && incoming.generation === 1) return wasMadeAt(incoming.home, claim)
  return wasMoved(claim)
}

function wasMadeAt(site: string, { table, incoming, trust, reader }: Claim): Promise<boolean> {
  if (table.soleHome) return Promise.resolve(true)
  return trust.mayName(site, { id: incoming.id, ids: table.ids }, reader)
}

/** Follows the moves one by one, from where they leave what is known here, else from where the record was made. */
async function wasMoved(claim: Claim): Promise<boolean> {
  const { table, incoming, current, trust, reader } = claim
  const moves = textsOf(incoming.moves)
  if (moves.length > HISTORY_MAX) return false
  const known = textsOf(current?.moves)
  const start = sharedLength(moves, known)
  let home = current?.home
  let generation = current?.generation ?? 1
  if (start < known.length) {
    home = (await trust.readMove(known[start] ?? '', reader))?.from
    if (home === undefined) return false
    generation = start + 1
  }
  if (moves.length === start) return home === incoming.home && generation === incoming.generation
  if (moves.length !== incoming.generation - 1) return false
  for (const text of moves.slice(start)) {
    const move = await trust.readMove(text, reader)
    if (move?.table !== table.name || move.id !== incoming.id) return false
    if (!(await isRightful(move, claim))) return false
    if (home === undefined && !(await wasMadeAt(move.from, claim))) return false
    if (move.from !== (home ?? move.from) || move.generation !== generation + 1) return false
    home = move.to
    generation = move.generation
  }
  return home === incoming.home && generation === incoming.generation
}

async function isRightful({ by, from, to }: Move, { table, trust, reader }: Claim): Promise<boolean> {
  if (by === undefined) return table.followsUse !== null
  return (await trust.heirsOf(from, reader)).includes(to) && (await standsFor(by, to, { trust, reader }))
}

/** So many sites that are lost one after the other, each the heir of the former, are followed. */
const HEIRS_MAX = 16

/** Whether `site` is that other one, or its heir, or the heir of its heir. */
async function standsFor(
  site: string,
  other: string,
  { trust, reader }: Pick<Claim, 'trust' | 'reader'>,
): Promise<boolean> {
  const reached = new Set([other])
  for (const next of reached) {
    if (next === site) return true
    if (reached.size > HEIRS_MAX) return false
    for (const heir of await trust.heirsOf(next, reader)) reached.add(heir)
  }
  return false
}

async function supersedes(claim: Claim): Promise<boolean> {
  const { incoming, current } = claim
  if (!current) return true
  return (await prevails(claim, current)) ?? isLater(incoming, current)
}

type Version = Pick<AnyRecord, 'home' | 'generation' | 'seq'>

/** Fencing: a later generation wins whatever its seq; within one generation only the same home, and only forward. */
export function isLater(incoming: Version, known: Version): boolean {
  if (incoming.generation !== known.generation) return incoming.generation > known.generation
  return incoming.home === known.home && incoming.seq > known.seq
}

/**
 * Which of two histories counts that part, as two sites took over what a third had kept, or one did while another had been given
 * it: everybody must come to the same, whatever they heard first. What the lost site itself has signed goes before what an heir
 * takes, and one heir before the other. Undefined where they do not part.
 */
async function prevails(
  { incoming, trust, reader }: Claim,
  current: AnyRecord,
): Promise<boolean | undefined> {
  const [theirs, ours] = [textsOf(incoming.moves), textsOf(current.moves)]
  for (let at = sharedLength(theirs, ours); at < Math.min(theirs.length, ours.length); at++) {
    const [their, our] = [
      await trust.readMove(theirs[at] ?? '', reader),
      await trust.readMove(ours[at] ?? '', reader),
    ]
    if (!our) return false
    // What cannot be read yet is for `mayOwn` to refuse, so that it is looked at again.
    if (!their) return true
    if (their.by === undefined && our.by === undefined) return undefined
    if (their.by === undefined || our.by === undefined) return their.by === undefined
    if (their.from === our.from && their.to === our.to) continue
    const heirs = await trust.heirsOf(our.from, reader)
    const [rank, ownRank] = [heirs.indexOf(their.to), heirs.indexOf(our.to)]
    return rank < 0 || ownRank < 0 || rank < ownRank
  }
  return undefined
}

function sharedLength(left: readonly string[], right: readonly string[]): number {
  let length = 0
  while (length < left.length && left[length] === right[length]) length++
  return length
}

function textsOf(moves: unknown): readonly string[] {
  return Array.isArray(moves) ? moves.filter((text) => typeof text === 'string') : []
}
