/**
 * What makes a good token void, in memory: revocations, disabled or deleted users, projects and domains, changed
 * passwords. Loaded once and kept up to date with every commit, replicas included, so that verifying a token needs no
 * store and what another site revoked is obeyed here.
 */

import type { Clock, Logger } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import { type Change, cloudScope, type RecordTable, type State } from '@atoll/state'
import { domains, projects, revocations, users } from '../records.ts'
import type { TokenClaims } from './claims.ts'

/** A deletion is remembered longer than a token lives, since a site that was cut off may go on issuing some. */
export const DELETED_KEPT_MS = 7 * 24 * 3_600_000

export interface StandingOptions {
  readonly state: State
  readonly clock: Clock
  readonly log: Logger
  /** How long a token lives at most. */
  readonly lifeMs: number
}

interface Void {
  /** Tokens issued before are void; Infinity for all. Milliseconds since the epoch. */
  readonly beforeMs: number
  readonly forgetAtMs: number
}

const everything = cloudScope('standing of tokens')
/** How many changed records are looked up in one query. */
const LOOKED_UP_MAX = 200

export class Standing {
  readonly #options: StandingOptions
  readonly #voids = new Map<string, Void>()
  readonly #disabled = new Set<string>()
  /** Changed and not looked up yet, by table. */
  readonly #changed = new Map<string, Set<string>>()
  readonly #stopListening: () => void
  /** Names of the sites that a domain trusts, by its id. */
  readonly #trusted = new Map<string, ReadonlySet<string>>()
  #trustVersion = 0
  #sweepAtSize = 1024
  #updating: Promise<void> | undefined

  static async load(options: StandingOptions): Promise<Standing> {
    const standing = new Standing(options)
    try {
      await standing.#load()
    } catch (error) {
      standing.close()
      throw error
    }
    return standing
  }

  private constructor(options: StandingOptions) {
    this.#options = options
    this.#stopListening = options.state.onCommit((changes) => this.#note(changes))
  }

  /** Tokens with these claims that were issued before are void. 0 when nothing is known against them. */
  voidBeforeMs(claims: Omit<TokenClaims, 'issuedAtMs' | 'expiresAtMs'>): number {
    const { userId, userDomainId, projectId, projectDomainId, domainId } = claims
    let beforeMs = Math.max(this.#of(claims.auditIds[0]), this.#of(userId), this.#of(userDomainId))
    const targetId = projectId ?? domainId
    if (targetId === null) return beforeMs
    beforeMs = Math.max(beforeMs, this.#of(targetId), this.#of(grantKey(userId, targetId)))
    if (projectDomainId !== null) beforeMs = Math.max(beforeMs, this.#of(projectDomainId))
    for (const name of claims.roleNames) beforeMs = Math.max(beforeMs, this.#of(roleKey(name)))
    return beforeMs
  }

  /** Whether a domain trusts a site with its users, projects and grants. */
  trusts(domainId: string, site: string): boolean {
    return this.#trusted.get(domainId)?.has(site) ?? false
  }

  /** Rises when the answers of `trusts` may have changed. */
  get trustVersion(): number {
    return this.#trustVersion
  }

  /** Resolves when everything that was committed before the call is obeyed. */
  async settled(): Promise<void> {
    while (this.#updating) await this.#updating
  }

  close(): void {
    this.#stopListening()
  }

  #of(key: string): number {
    return this.#disabled.has(key) ? Number.POSITIVE_INFINITY : (this.#voids.get(key)?.beforeMs ?? 0)
  }

  async #load(): Promise<void> {
    const { state, clock, lifeMs } = this.#options
    const nowMs = clock.nowMs()
    for (const table of [users, projects, domains] as const) {
      const rows = await state
        .select(everything, table as typeof users)
        .select('id')
        .where('enabled', '=', false)
        .execute()
      for (const { id } of rows) this.#disabled.add(id)
    }
    const changed = await state
      .select(everything, users)
      .select(['id', 'tokens_valid_from_ms'])
      .where('tokens_valid_from_ms', '>', nowMs - lifeMs)
      .execute()
    for (const row of changed) this.#voidBefore(row.id, row.tokens_valid_from_ms, nowMs + lifeMs)
    const revoked = await state
      .select(everything, revocations)
      .selectAll()
      .where('expires_at_ms', '>', nowMs)
      .execute()
    for (const row of revoked) this.#revoke(row)
    for (const domain of await state.select(everything, domains).select(['id', 'sites']).execute())
      this.#trust(domain.id, domain.sites)
    await this.settled()
  }

  #note(changes: readonly Change[]): void {
    for (const { table, id } of changes) {
      if (!watched.has(table)) continue
      const ids = this.#changed.get(table) ?? new Set()
      this.#changed.set(table, ids.add(id))
    }
    if (this.#changed.size > 0) this.#update()
  }

  #update(): void {
    this.#updating ??= this.#lookUp()
      // What could not be read stays noted and is read with the next commit.
      .catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'revocations could not be read; they are read again later'),
      )
      .finally(() => {
        this.#updating = undefined
      })
  }

  async #lookUp(): Promise<void> {
    for (let next = this.#nextChanged(); next; next = this.#nextChanged()) {
      const [table, ids] = next
      const rows = (await this.#options.state
        .select(everything, table)
        .selectAll()
        .where('id', 'in', ids)
        .execute()) as readonly Readonly<Record<string, unknown>>[]
      const byId = new Map(rows.map((row) => [String(row.id), row]))
      const pending = this.#changed.get(table.name)
      for (const id of ids) {
        pending?.delete(id)
        this.#apply(table.name, id, byId.get(id))
      }
    }
  }

  #nextChanged(): [RecordTable, string[]] | undefined {
    for (const [name, ids] of this.#changed) {
      const table = watched.get(name)
      if (table && ids.size > 0) return [table, [...ids].slice(0, LOOKED_UP_MAX)]
      this.#changed.delete(name)
    }
    return undefined
  }

  #apply(table: string, id: string, row: Readonly<Record<string, unknown>> | undefined): void {
    const nowMs = this.#options.clock.nowMs()
    if (table === revocations.name) {
      // A revocation that is gone was forgotten because nothing depended on it any more.
      if (row) this.#revoke(row as Row<typeof revocations>)
    } else if (row) {
      if (row.enabled === false) this.#disabled.add(id)
      else this.#disabled.delete(id)
      if (table === users.name)
        this.#voidBefore(id, Number(row.tokens_valid_from_ms), nowMs + this.#options.lifeMs)
      if (table === domains.name) this.#trust(id, row.sites as readonly string[])
    } else {
      if (table === domains.name) this.#trust(id, [])
      this.#voidBefore(id, Number.POSITIVE_INFINITY, nowMs + DELETED_KEPT_MS)
    }
  }

  #revoke(row: Row<typeof revocations>): void {
    this.#voidBefore(row.audit_id, row.issued_before_ms ?? Number.POSITIVE_INFINITY, row.expires_at_ms)
  }

  #trust(domainId: string, sites: readonly string[]): void {
    if (sites.length > 0) this.#trusted.set(domainId, new Set(sites))
    else this.#trusted.delete(domainId)
    this.#trustVersion++
  }

  #voidBefore(key: string, beforeMs: number, forgetAtMs: number): void {
    const nowMs = this.#options.clock.nowMs()
    const isOld = beforeMs <= nowMs - this.#options.lifeMs
    if (isOld || forgetAtMs <= nowMs) return
    const known = this.#voids.get(key)
    this.#voids.set(key, {
      beforeMs: Math.max(beforeMs, known?.beforeMs ?? 0),
      forgetAtMs: Math.max(forgetAtMs, known?.forgetAtMs ?? 0),
    })
    if (this.#voids.size >= this.#sweepAtSize) this.#sweep(nowMs)
  }

  // Doubling the size at which it sweeps keeps the cost of each addition constant.
  #sweep(nowMs: number): void {
    for (const [key, { forgetAtMs }] of this.#voids) if (forgetAtMs <= nowMs) this.#voids.delete(key)
    this.#sweepAtSize = Math.max(1024, 2 * this.#voids.size)
  }
}

const watched: ReadonlyMap<string, RecordTable> = new Map(
  [users, projects, domains, revocations].map((table) => [table.name, table as unknown as RecordTable]),
)

/** Names all tokens of a user for one project or domain. */
export function grantKey(userId: string, targetId: string): string {
  return `${userId}:${targetId}`
}

/** Names all tokens that carry a role. */
export function roleKey(name: string): string {
  return `role:${name}`
}
