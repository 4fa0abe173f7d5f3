/** Which sites there are and where: their own records, and hints for those whose record has not come yet. */

import { type Clock, Refresher, type SiteCode, siteCodeOf } from '@atoll/kit'
import { admitterOf, type Ed25519PublicJwk } from '@atoll/overlay'
import type { Store } from '@atoll/rome'
import { cloudScope, type RecordTable, type State } from '@atoll/state'
import { failureDomainsIn } from './failure-domains.ts'
import { type PeerAddress, siteRevocations, sites } from './records.ts'
import { heirsInOrder, type Retirement, retirementsIn, successionOf } from './succession.ts'
import { siteHints } from './tables.ts'

const scope = cloudScope('directory of sites')

/** `dormant`: away as planned. `revoked`: shut out for good. `retired`: that too, and another site keeps its records. */
export type Standing = 'member' | 'dormant' | 'revoked' | 'retired'

export interface KnownSite {
  readonly name: string
  readonly standing: Standing
  /** None of a site that was revoked or retired. */
  readonly addresses: readonly PeerAddress[]
  /** Undefined until its own record has come. */
  readonly code: SiteCode | undefined
  readonly signingKey: Ed25519PublicJwk | null
  readonly signingKeyId: string
  readonly apiUrl: string
  /** Other sites can join there. */
  readonly admits: boolean
  /** What fails as one with it. */
  readonly failureDomains: readonly string[]
}

/** What one site tells another about the rest. */
export interface SiteHint {
  readonly name: string
  readonly addresses: readonly PeerAddress[]
}

/** A cloud of more sites needs the overlay; this bounds what a lying peer can make us remember. */
const SITES_MAX = 10_000

/** That `site` is shut out, by the word of `home`, and which of the sites that it had admitted are not. */
export interface Revocation {
  readonly site: string
  readonly kept: readonly string[]
  readonly home: string
}

export interface DirectoryOptions {
  readonly state: State
  readonly store: Store
  readonly clock: Clock
  readonly domains: RecordTable
  readonly root: { readonly domainId: string; readonly founder: string }
  /** Whether a site may have been admitted by another one, whose name its own begins with. Default: no. */
  readonly areSitesAdmittedBySites?: boolean
}

export class Directory {
  readonly #options: DirectoryOptions
  readonly #known = new Map<string, KnownSite>()
  readonly #listeners = new Set<() => void>()
  readonly #revoked = new Set<string>()
  /** Admitted by one that was shut out, and known when it was. */
  readonly #kept = new Set<string>()
  #retirements: ReadonlyMap<string, readonly Retirement[]> = new Map()
  readonly #revocations = new Map<string, Revocation>()
  #trusted: ReadonlySet<string> = new Set()

  static async open(options: DirectoryOptions): Promise<Directory> {
    const directory = new Directory(options)
    await directory.#load()
    const refresher = new Refresher({ clock: options.clock, refresh: () => directory.#load() })
    options.state.onCommit((changes) => {
      if (changes.some(({ table }) => isOfDirectory(table) || table === options.domains.name))
        refresher.request()
    })
    return directory
  }

  private constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** All sites but this one. */
  get others(): readonly KnownSite[] {
    return [...this.#known.values()].filter(({ name }) => name !== this.#options.state.site.name)
  }

  get all(): readonly KnownSite[] {
    return [...this.#known.values()]
  }

  find(name: string): KnownSite | undefined {
    return this.#known.get(name)
  }

  isRevoked(name: string): boolean {
    if (this.#revoked.has(name)) return true
    const admitter = this.#options.areSitesAdmittedBySites ? admitterOf(name) : undefined
    return admitter !== undefined && this.isRevoked(admitter) && !this.#kept.has(name)
  }

  /** The members that `site` has admitted, itself or through others, as far as their own records have come. */
  admittedBy(site: string): readonly string[] {
    return this.all
      .filter(
        ({ name, code }) =>
          name !== site && code !== undefined && !this.isRevoked(name) && isBelow(name, site),
      )
      .map(({ name }) => name)
  }

  /** Who may take over what a site kept, whoever counts first; empty unless it was retired. */
  heirsOf(name: string): readonly string[] {
    return heirsInOrder(this.#retirements.get(name) ?? [])
  }

  /** From a site to the one that keeps its records now: itself alone, unless it was retired. See `successionOf`. */
  succession(name: string): readonly string[] {
    return successionOf(name, {
      heirsOf: (site) => this.heirsOf(site),
      isShutOut: (site) => this.isRevoked(site),
    })
  }

  /** The site that keeps now what `name` kept. */
  standInFor(name: string): string {
    return this.succession(name).at(-1) ?? name
  }

  /** All that were retired. */
  get retired(): readonly string[] {
    return [...this.#retirements.keys()]
  }

  /** Whether a site is trusted with the cloud's own domain. */
  isTrusted(name: string): boolean {
    return this.#trusted.has(name)
  }

  /** A site is shut out by the word of one that may say so; the record comes later, and is not in `revocations` before. */
  async hearOfRevocation({ site, kept, home }: Revocation): Promise<void> {
    if (this.#revoked.has(site)) return
    this.#takeRevocation({ site, kept, home })
    await this.#load()
  }

  /** Whether a site is shut out by what gossip says alone: there is no record yet, and its writer may be gone. */
  isHearsay(name: string): boolean {
    return this.#revoked.has(name) && !this.#revocations.has(name)
  }

  /** What is on record. */
  get revocations(): Iterable<Revocation> {
    return this.#revocations.values()
  }

  /** The site whose code an id carries, if it is one that we know. */
  minterOf(id: string): string | undefined {
    const code = siteCodeOf(id)
    return code === undefined ? undefined : this.all.find((site) => site.code === code)?.name
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Remembers, durably, sites that we did not know. What a site says of itself is never overridden. */
  async learn(hints: readonly SiteHint[]): Promise<void> {
    const news = hints.filter(({ name }) => !this.#known.has(name)).slice(0, SITES_MAX - this.#known.size)
    if (news.length === 0) return
    await this.#options.store.transaction(async ({ queries }) => {
      for (const { name, addresses } of news) {
        await queries
          .insertInto(siteHints.name)
          .values({ name, addresses: addresses.slice(0, 8) })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ addresses: addresses.slice(0, 8) }))
          .execute()
      }
    })
    await this.#load()
  }

  hints(): readonly SiteHint[] {
    return this.all.map(({ name, addresses }) => ({ name, addresses }))
  }

  #takeRevocation({ site, kept, home }: Revocation): void {
    this.#revoked.add(site)
    // A site that is shut out does not say itself who may stay.
    if (!isBelow(home, site)) for (const name of kept) this.#kept.add(name)
  }

  async #load(): Promise<void> {
    const { state, root, domains } = this.#options
    const revocations = await state
      .select(scope, siteRevocations)
      .selectAll()
      .where('domain_id', '=', root.domainId)
      .execute()
    for (const revocation of revocations) {
      this.#revocations.set(revocation.site, revocation)
      this.#takeRevocation(revocation)
    }
    this.#retirements = Map.groupBy(retirementsIn(revocations), ({ site }) => site)
    // Those that were lost before this site joined have nothing else to say.
    for (const { site, code } of [...this.#retirements.values()].flat())
      if (!this.#known.has(site)) this.#know({ ...unknown, name: site, code })
    const domain = await state.find(scope, domains, root.domainId)
    const { sites: trusted } = Object(domain) as { sites?: readonly string[] | null }
    this.#trusted = new Set(trusted ?? [root.founder])
    for (const { name, addresses } of await state.local(siteHints).selectAll().execute())
      if (!this.#known.has(name)) this.#know({ ...unknown, name, addresses })
    for (const row of await state.select(scope, sites).selectAll().execute()) {
      this.#know({
        name: row.id,
        standing: row.is_dormant ? 'dormant' : 'member',
        addresses: row.addresses,
        code: row.code,
        signingKey: row.signing_key,
        signingKeyId: row.signing_key_id,
        apiUrl: row.api_url,
        admits: row.admits,
        failureDomains: failureDomainsIn(row.failure_domains),
      })
    }
    for (const listener of this.#listeners) listener()
  }

  #know(site: KnownSite): void {
    const { name } = site
    const [retirement] = this.#retirements.get(name) ?? []
    if (!this.isRevoked(name)) this.#known.set(name, site)
    else this.#known.set(name, { ...site, standing: retirement ? 'retired' : 'revoked', addresses: [] })
  }
}

/** Whether `name` is `site`, or was admitted by it or by whom that has admitted. */
function isBelow(name: string, site: string): boolean {
  const admitter = admitterOf(name)
  return name === site || (admitter !== undefined && isBelow(admitter, site))
}

const unknown: Omit<KnownSite, 'name'> = {
  standing: 'member',
  addresses: [],
  code: undefined,
  signingKey: null,
  signingKeyId: '',
  apiUrl: '',
  admits: false,
  failureDomains: [],
}

function isOfDirectory(table: string): boolean {
  return table === sites.name || table === siteRevocations.name
}
