/**
 * Retiring a site that is lost for good: an operator says so, at a site that is trusted with the cloud's own domain, and names
 * the heir, or leaves that to the site, which asks who has the most complete copy.
 */

import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import { type AnyRecord, cloudScope, type RecordTable, type State, type Trust } from '@atoll/state'
import { Type } from 'typebox'
import type { Directory } from './directory.ts'
import { CannotRetire } from './errors.ts'
import type { Freshness } from './freshness.ts'
import { type BetweenMs, guardiansOf } from './guardians.ts'
import { callPeer, PeerRefused } from './peer-client.ts'
import { siteRevocations } from './records.ts'

export interface RetirementRequest {
  readonly site: string
  readonly reason: string
  /** Default: the guardian that has the most complete copy. */
  readonly heir?: string
  /** The site is to go although it answers, or sleeps as planned. */
  readonly isForced?: boolean
}

/** How far a site has followed the feed of the lost one. */
export interface Copy {
  readonly site: string
  readonly seq: number
}

export interface RetirementAnswer {
  readonly heir: string
  /** Of those that were asked, the most complete first. */
  readonly copies: readonly Copy[]
  /** Guardians that could not be asked: what only they have is lost. */
  readonly silent: readonly string[]
}

export interface RetirementOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly freshness: Freshness
  readonly trust: Trust
  readonly records: readonly RecordTable[]
  readonly root: { readonly domainId: string }
  /** See `guardiansOf`. */
  readonly betweenMs: BetweenMs
}

const scope = cloudScope('retirement of a site')

/** Where no guardian answers, so many others are asked. */
const ASKED_MAX = 16
const PAGE = 500

/** What a site says of its copy of another one's feed. */
export const CopyAnswer = Type.Object({
  seq: Type.Integer({ minimum: 0 }),
  /** Whether it hears that site. */
  isReachable: Type.Boolean(),
})

/** @throws CannotRetire */
export async function retireSite(
  options: RetirementOptions,
  request: RetirementRequest,
): Promise<RetirementAnswer> {
  await demandAuthority(options, request.site)
  demandGone(options, request)
  const known = heirSoFar(options, request)
  const { copies, silent } = await askForCopies(options, request)
  const heir = known ?? request.heir ?? copies[0]?.site
  if (heir === undefined)
    throw CannotRetire({ site: request.site, reason: 'no other site can be reached that could take over' })
  if (known === undefined) await write(options, { ...request, heir })
  return { heir, copies: copies.map(({ site, seq }) => ({ site, seq })), silent }
}

async function demandAuthority({ state, trust, root }: RetirementOptions, site: string): Promise<void> {
  const own = state.site.name
  if (!(await trust.hasAuthority(root.domainId, own, state)))
    throw CannotRetire({ site, reason: `${own} is not trusted with the default domain` })
}

function demandGone(
  { state, directory, freshness }: RetirementOptions,
  { site, heir, isForced = false }: RetirementRequest,
): void {
  const refuse = (reason: string) => CannotRetire({ site, reason })
  if (site === state.site.name) throw refuse('it is this very site')
  const known = directory.find(site)
  if (!known) throw refuse('nobody here knows it')
  if (heir !== undefined) {
    if (heir === site) throw refuse('it cannot be its own heir')
    if (directory.find(heir)?.standing !== 'member') throw refuse(`${heir} is no site that could take over`)
    if (heir !== state.site.name && !freshness.isReachable(heir)) throw refuse(`${heir} cannot be reached`)
  }
  if (directory.isRevoked(site) || isForced) return
  if (known.standing === 'dormant') throw refuse('it sleeps, as planned; if it is lost, say so with --force')
  if (!freshness.isSilent(site)) throw refuse(answers)
}

const answers =
  'it answers; let it sleep, or shut it out with revoke, or say with --force that it is to go all the same'

/** The heir that it has, if that lives; a word for another one would take from it what it took over. */
function heirSoFar({ directory }: RetirementOptions, { site, heir }: RetirementRequest): string | undefined {
  const current = directory.standInFor(site)
  if (current === site || !directory.isRevoked(site)) return undefined
  const first = directory.heirsOf(site)[0]
  if (heir !== undefined && heir !== current && heir !== first)
    throw CannotRetire({ site, reason: `it was retired already, and ${current} is its heir` })
  return current
}

interface AskedCopy extends Copy {
  readonly isReachable: boolean
}

async function askForCopies(
  options: RetirementOptions,
  { site, heir, isForced = false }: RetirementRequest,
): Promise<{ copies: readonly Copy[]; silent: readonly string[] }> {
  const { state, directory, freshness } = options
  const isHere = (name: string) => name === state.site.name || freshness.isReachable(name)
  const { guardians } = guardiansOf(site, options)
  const members = directory.all.filter(({ name, standing }) => name !== site && standing === 'member')
  const trusted = await trustedWithAll(
    options,
    site,
    members.map(({ name }) => name),
  )
  const preferred = [...new Set([...guardians, ...(trusted ?? []).slice(0, ASKED_MAX)])].filter(isHere)
  const others = members.map(({ name }) => name).filter(isHere)
  const asked = heir === undefined ? (preferred.length > 0 ? preferred : others.slice(0, ASKED_MAX)) : [heir]
  const answersOf = await Promise.all(asked.map((name) => askForCopy(options, name, site)))
  const copies = answersOf.filter((copy) => copy !== undefined)
  const hearing = copies.find(({ isReachable }) => isReachable)
  if (hearing && !isForced && !directory.isRevoked(site))
    throw CannotRetire({
      site,
      reason: `${hearing.site} hears it; say with --force that it is to go all the same`,
    })
  // Who may own all of it comes first, then who is far enough away from whatever took the site.
  const rank = ({ site: name, seq }: Copy) => [
    (trusted?.includes(name) ?? true) ? 0 : 1,
    guardians.includes(name) ? 0 : 1,
    -seq,
    guardians.indexOf(name),
  ]
  const heard = new Set(copies.map((copy) => copy.site))
  return {
    copies: copies.toSorted(
      (left, right) => compare(rank(left), rank(right)) || (left.site < right.site ? -1 : 1),
    ),
    silent: guardians.filter((name) => !heard.has(name) && heir === undefined),
  }
}

function compare(left: readonly number[], right: readonly number[]): number {
  const index = left.findIndex((number, at) => number !== right[at])
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0)
}

async function askForCopy(
  { state, transport }: RetirementOptions,
  asked: string,
  site: string,
): Promise<AskedCopy | undefined> {
  if (asked === state.site.name)
    return { site: asked, seq: await state.feed.cursor(site), isReachable: false }
  try {
    const copy = await callPeer(transport, {
      site: asked,
      method: 'GET',
      path: `/peer/v1/feeds/${encodeURIComponent(site)}`,
      answer: CopyAnswer,
      workMs: 1000,
    })
    return { site: asked, ...copy }
  } catch (error) {
    if (!PeerUnreachable.is(error) && !(error instanceof PeerRefused)) throw error
    return undefined
  }
}

/** Those of `names` that may be the home of all that the site keeps for domains; undefined when it keeps nothing for any. */
async function trustedWithAll(
  { state, trust, records }: RetirementOptions,
  site: string,
  names: readonly string[],
): Promise<readonly string[] | undefined> {
  const domainIds = new Set<string>()
  for (const table of records.filter(({ authority }) => authority !== null)) {
    for (let after = -1, isMore = true; isMore; ) {
      const rows = (await state
        .select(scope, table)
        .selectAll()
        .where('home', '=', site)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(PAGE)
        .execute()) as unknown as readonly AnyRecord[]
      for (const row of rows) domainIds.add(table.authority?.(row) ?? '')
      isMore = rows.length === PAGE
      after = rows.at(-1)?.seq ?? after
    }
  }
  domainIds.delete('')
  if (domainIds.size === 0) return undefined
  const trusted: string[] = []
  for (const name of names) {
    const isTrusted = await Promise.all([...domainIds].map((id) => trust.hasAuthority(id, name, state)))
    if (isTrusted.every(Boolean)) trusted.push(name)
  }
  return trusted
}

async function write(
  { state, directory, root }: RetirementOptions,
  { site, heir, reason }: RetirementRequest & { readonly heir: string },
): Promise<void> {
  const known = directory.find(site)
  const kept = directory.admittedBy(site)
  await state.transaction(async (transaction) => {
    const earlier = await transaction
      .select(scope, siteRevocations)
      .select('heir')
      .where('site', '=', site)
      .where('domain_id', '=', root.domainId)
      .execute()
    if (earlier.some((row) => row.heir === heir)) return
    const other = earlier.find((row) => row.heir !== null && !directory.isRevoked(row.heir))?.heir
    if (other) throw CannotRetire({ site, reason: `it was retired already, and ${other} is its heir` })
    await transaction.insert(siteRevocations, {
      site,
      domain_id: root.domainId,
      reason,
      kept,
      heir,
      retired_at: transaction.nowMs,
      code: known?.code ?? null,
      signing_key: known?.signingKey ?? null,
      signing_key_id: known?.signingKeyId ?? null,
    })
  })
}
