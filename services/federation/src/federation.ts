/**
 * Many sites as one cloud: follows every other site's feed, routes writes to their homes, knows how fresh everything
 * is, borrows and lends shares, moves homes, admits new sites, and retires lost ones. One file because it only connects
 * them: each of these has one of its own.
 */

import type { RequestRouter } from '@atoll/http'
import { type Clock, type Logger, type Random, Reconciler, type Service } from '@atoll/kit'
import {
  type GuardianChoice,
  type KeyRing,
  type PeerTransport,
  type Signatures,
  type SiteCertificates,
  SiteSigner,
} from '@atoll/overlay'
import type { Store } from '@atoll/rome'
import type { RecordTable, State, Trust } from '@atoll/state'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Admission } from './admission.ts'
import { Adopter, type Displacement, noDisplacement } from './adoption.ts'
import { Borrower } from './borrowing.ts'
import { keepCertificates } from './certificate-keeper.ts'
import { CertifiedCodes, certificatesOf } from './certified-codes.ts'
import { type SelfDescription, writeDescription } from './describe-self.ts'
import { Directory, type SiteHint } from './directory.ts'
import { FeedReaders } from './feed-readers.ts'
import { FeedWaiter } from './feed-waiter.ts'
import { Followers } from './followers.ts'
import { CONTACT_INTERVAL_MS, Freshness } from './freshness.ts'
import { guardTransport } from './guarded-transport.ts'
import { guardiansOf } from './guardians.ts'
import { Lender } from './lending.ts'
import { markRequests } from './mark-requests.ts'
import { Mover } from './moving.ts'
import { CloseSites } from './overlay/close-sites.ts'
import { FeedHeads } from './overlay/feed-heads.ts'
import { openOverlay } from './overlay/open-overlay.ts'
import type { PeerOverlay } from './overlay/peer-overlay.ts'
import { RevocationNews } from './overlay/revocation-news.ts'
import { type ChunksForSites, registerPeerEndpoints } from './peer-endpoints.ts'
import { ProjectSites } from './project-sites.ts'
import { type PeerAddress, sites } from './records.ts'
import { countHere, countOutside, type Leaving } from './records-outside.ts'
import { Reserves, type WantedShare } from './reserves.ts'
import { type RetirementAnswer, type RetirementRequest, retireSite } from './retirement.ts'
import { type RevocationRequest, revokeSite } from './revocation.ts'
import { HomeRouter, type Places } from './router.ts'
import { createScopeKeeper } from './scope-keeper.ts'
import { createTrust, moveSigner } from './trust.ts'
import { waitForCommit } from './wait-for-commit.ts'

export interface FederationOptions {
  readonly state: State
  readonly store: Store
  readonly transport: PeerTransport
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly keys: () => KeyRing
  /** Puts new certificates of the site into use. Default: what the cloud has certified stays as it is, as in a simulation. */
  readonly installCertificates?: (certificates: SiteCertificates) => Promise<void>
  /** Every record table of the composition. */
  readonly records: readonly RecordTable[]
  readonly domains: RecordTable
  readonly projects: RecordTable
  readonly root: { readonly domainId: string; readonly founder: string }
  readonly places: (federation: Pick<Federation, 'freshness' | 'directory' | 'overlay'>) => Places
  /** How many sites' feeds are followed closely, the nearest; of the others gossip tells when there is news. */
  readonly closeSitesMax?: number
  /** Shares worth having before they are needed, since the lender may be cut off when they are. */
  readonly wantedShares: () => Promise<readonly WantedShare[]>
  readonly chunks: ChunksForSites
  /** What services do about records of a site that was lost. Default: nothing. */
  readonly displacement?: Displacement
  /** Of this peer. */
  readonly self: SelfDescription
  /** What the site says of itself at the moment: addresses of all its live peers. Default: `self`. */
  readonly describeSite?: () => SelfDescription
  /** Whether this peer does what one of a site's peers should do. Two that do it do no harm. Default: always. */
  readonly isSteward?: () => boolean
  /** Sites to dial when the store knows none yet: whom we joined through. */
  readonly contacts: readonly SiteHint[]
  /** What the overlay signs with. Default: by the keys and certificates. */
  readonly signatures?: (isRevoked: (site: string) => boolean) => Signatures
  /** See `PeerOverlayOptions`. */
  readonly handOver?: (site: string, body: Buffer) => Promise<Buffer | undefined>
}

/** Each costs both sides a request a second. */
const CLOSE_SITES_MAX = 32

/** Several rounds of every follower; the answer to an operator waits for no more. */
const HEARD_TIMEOUT_MS = 5 * CONTACT_INTERVAL_MS

/** What is read before a federation can begin. */
interface Opened {
  readonly codes: CertifiedCodes
  readonly projectSites: ProjectSites
}

export class Federation {
  readonly router: RequestRouter
  readonly freshness: Freshness
  readonly directory: Directory
  /** Runs while this peer is the steward; see `asSteward`. */
  readonly overlay: PeerOverlay
  readonly projectSites: ProjectSites
  readonly signer: SiteSigner
  /** To other sites, but for those that were shut out. */
  readonly transport: PeerTransport
  readonly #options: FederationOptions
  readonly #borrower: Borrower
  readonly #reserves: Reserves
  readonly #mover: Mover
  readonly #lender: Lender
  readonly #admission: Admission
  readonly #adopter: Adopter
  readonly #waiter: FeedWaiter
  readonly #trust: Trust
  readonly #followers: Followers
  readonly #readers: FeedReaders
  readonly #betweenMs = (site: string, other: string) => this.overlay.predictedMs(site, other)
  readonly #revocationNews: RevocationNews
  /** How far the feeds of all sites have come, by gossip. */
  readonly heads: FeedHeads

  static async open(options: FederationOptions): Promise<Federation> {
    const codes = new CertifiedCodes(options.keys())
    const directory = await Directory.open({ ...options, areSitesAdmittedBySites: codes.areRequired })
    await directory.learn(options.contacts)
    const projectSites = await ProjectSites.open(options)
    const federation = new Federation({ ...options, codes, projectSites }, directory)
    await federation.#admission.open()
    await federation.describeSelf()
    return federation
  }

  private constructor(given: FederationOptions & Opened, directory: Directory) {
    const transport = guardTransport(given.transport, directory)
    const options = { ...given, transport }
    const { state, clock } = options
    this.#options = options
    this.transport = transport
    this.directory = directory
    this.projectSites = given.projectSites
    this.#readers = new FeedReaders(options)
    this.signer = new SiteSigner(options.keys().signingKey)
    this.freshness = new Freshness({
      clock,
      siteName: state.site.name,
      roundTripMs: (site) => transport.roundTripMs(site),
      isHere: (site) => close.isHere(site),
    })
    this.#trust = createTrust(options)
    this.#lender = new Lender({ ...options, freshness: this.freshness })
    const known = { freshness: this.freshness, directory, trust: this.#trust }
    this.#borrower = new Borrower({ ...options, ...known, lender: this.#lender })
    this.#reserves = new Reserves({ ...options, borrower: this.#borrower })
    const movers = { ...known, sign: moveSigner(this.signer) }
    this.#mover = new Mover({ ...options, ...movers })
    const alone = { displacement: noDisplacement, isSteward: () => true }
    this.#adopter = new Adopter({ ...alone, ...options, ...movers })
    this.#admission = new Admission({ ...options, directory, trust: this.#trust })
    this.overlay = openOverlay({ ...options, directory })
    const { overlay } = this
    const gossip = { ...options, site: state.site.name, overlay, directory }
    const close = new CloseSites({
      ...gossip,
      max: options.closeSitesMax ?? CLOSE_SITES_MAX,
      onClose: (site) => this.#followers.poke(site),
    })
    this.#revocationNews = new RevocationNews(gossip)
    this.#waiter = new FeedWaiter({
      state,
      clock,
      patienceMs: (site) => CONTACT_INTERVAL_MS + 4 * (transport.roundTripMs(site) ?? 250),
      onWait: (site) => {
        if (!close.has(site)) this.#followers.poke(site)
      },
    })
    const cloudRecord = { table: options.domains.name, id: options.root.domainId }
    const places = options.places(this)
    this.heads = new FeedHeads({ ...options, overlay, capacity: () => places.capacity() })
    this.#followers = new Followers({
      ...gossip,
      ...known,
      selfAddresses: options.self.addresses,
      heads: this.heads,
      close,
      onAuthority: () => this.#adopter.reconsider(),
    })
    this.router = new HomeRouter({
      ...options,
      directory,
      waiter: this.#waiter,
      freshness: this.freshness,
      projectSites: given.projectSites,
      places,
      cloudRecord,
    })
    state.borrowWith((resource, needed) => this.#borrower.borrow(resource, needed))
    state.awaitProjectWith((id) => this.#awaitProject(id))
    state.bringHomeWith((table, id) => this.#mover.bringHome(table, id))
  }

  /** What runs as long as the peer does. */
  services(): readonly Service[] {
    const { clock, log } = this.#options
    const keeper = new Reconciler({
      name: 'keeper of shares',
      clock,
      log,
      intervalMs: 5000,
      pass: () => this.#asSteward(() => this.#reserves.keep()),
    })
    const sweeper = new Reconciler({
      name: 'sweeper of moves',
      clock,
      log,
      intervalMs: 5000,
      pass: () => this.#asSteward(() => this.#mover.offerAgain()),
    })
    const isDue = this.#options.isSteward ?? (() => true)
    const scopes = createScopeKeeper({ ...this.#options, projectSites: this.projectSites, isDue })
    const gossip = [this.heads, this.#revocationNews]
    const keepers = [keeper, sweeper, scopes, this.#adopter.service(), ...this.#keepCertificates()]
    return [...this.#followers.services(), ...keepers, ...gossip]
  }

  /** How many records of a project are at home at sites that it is about to leave. @throws HomeUnreachable */
  countOutside(projectId: string, change: Leaving): Promise<number> {
    return countOutside(this.#options, projectId, change)
  }

  /** Registers the peer endpoints, and marks what a forwarded request did, on the listener for peers. */
  async registerOn(
    server: FastifyInstance,
    peerOf: (request: FastifyRequest) => { readonly site: string } | undefined,
  ): Promise<void> {
    const { state, clock, chunks } = this.#options
    markRequests(server, { state, directory: this.directory, waiter: this.#waiter, peerOf })
    await registerPeerEndpoints(server, {
      state,
      directory: this.directory,
      mover: this.#mover,
      lender: this.#lender,
      countKept: (projectId) => countHere(this.#options, projectId, (home) => home === state.site.name),
      readers: this.#readers,
      overlay: this.overlay,
      freshness: this.freshness,
      onIntroduced: (site) => this.#followers.poke(site),
      chunks,
      clock,
      peerOf,
      admission: this.#admission,
    })
  }

  /** Issues a token that lets one site join. @throws CannotAdmit, NameInvalid, JoinSiteNameReserved */
  async issueJoinToken(options: { siteName?: string; lifeMs: number }): Promise<string> {
    return this.#admission.issueToken(options)
  }

  /** What the names of sites that join here must begin with; undefined where none can. */
  get joinNamePrefix(): string | undefined {
    return this.#admission.isPossible ? this.#admission.namePrefix : undefined
  }

  /** Where the peers of a site listen: what it says of itself in the overlay is newer than its record. */
  addressesOf(site: string): readonly PeerAddress[] {
    if (this.directory.isRevoked(site)) return []
    const known = [...this.overlay.addressesOf(site), ...(this.directory.find(site)?.addresses ?? [])]
    return [...new Map(known.map((address) => [`${address.host} ${address.port}`, address])).values()]
  }

  /** Ages of all sites, for the header of every read. */
  describeFreshness(): string {
    const sites = this.directory.all.filter(({ standing }) => standing !== 'retired')
    return this.freshness.describe(sites.map(({ name }) => name))
  }

  /**
   * Shuts a site out of the cloud for good: nobody talks to it any more, and its tokens are worth nothing. Written here,
   * spread by the feed. @throws CannotRevoke here where nobody is trusted with the cloud's own domain
   */
  revokeSite(request: RevocationRequest): Promise<void> {
    return revokeSite({ ...this.#options, directory: this.directory, trust: this.#trust }, request)
  }

  /**
   * Declares a site lost for good: it is shut out, and its heir takes over what it kept. Written here, spread by the feed.
   * @throws CannotRetire
   */
  retireSite(request: RetirementRequest): Promise<RetirementAnswer> {
    const { directory, freshness } = this
    const surroundings = { directory, freshness, trust: this.#trust, betweenMs: this.#betweenMs }
    return retireSite({ ...this.#options, ...surroundings }, request)
  }

  /** Which sites stand ready to take over what `site` keeps. */
  guardiansOf(site: string): GuardianChoice {
    return guardiansOf(site, { directory: this.directory, betweenMs: this.#betweenMs })
  }

  /** How many live records of a retired site nobody took over, as their domains do not trust this one; known at its heir. */
  recordsLeftOf(site: string): number | undefined {
    return this.#adopter.leftOf(site)
  }

  /** Sites that say that this one was shut out. */
  get shutOutBy(): readonly string[] {
    return this.#followers.shutOutBy
  }

  /**
   * Says that this site will be away as planned, and waits until the others have heard. Answers with the reachable sites
   * that have not heard in time.
   */
  async sleep(): Promise<readonly string[]> {
    await this.#setDormant(true)
    this.overlay.announce('dormant')
    const { state } = this.#options
    const reachable = this.directory.others.filter(
      ({ name, standing }) => standing === 'member' && this.freshness.isReachable(name),
    )
    return this.#readers.haveReached(await state.feed.head(), {
      sites: reachable.map(({ name }) => name),
      timeoutMs: HEARD_TIMEOUT_MS,
    })
  }

  /** Ends `sleep`: this site is here, and is expected to be. */
  async wake(): Promise<void> {
    await this.#setDormant(false)
    this.overlay.announce('alive')
  }

  #keepCertificates(): readonly Service[] {
    const { directory } = this
    const [trust, admission] = [this.#trust, this.#admission]
    const onInstalled = () => this.describeSelf()
    return keepCertificates({ ...this.#options, directory, trust, admission, onInstalled })
  }

  async #setDormant(is_dormant: boolean): Promise<void> {
    const { state } = this.#options
    await state.transaction((transaction) => transaction.update(sites, state.site.name, { is_dormant }))
  }

  /** Writes what this site says of itself, when that is new. */
  async describeSelf(): Promise<void> {
    const { state, self, describeSite = () => self } = this.#options
    const { addresses, apiUrl, failureDomains = [] } = describeSite()
    await writeDescription(state, {
      addresses,
      signing_key: this.signer.publicKeyJwk,
      signing_key_id: this.signer.keyId,
      api_url: apiUrl,
      certificates: certificatesOf(this.#options.keys()),
      admits: this.#admission.isPossible,
      failure_domains: failureDomains,
    })
    this.overlay.refresh()
  }

  async #awaitProject(id: string): Promise<boolean> {
    const { state, clock, projects } = this.#options
    const isReached = async () => (await state.homeOf(projects.name, id)) !== undefined
    await waitForCommit({ state, clock, patienceMs: CONTACT_INTERVAL_MS, isReached })
    return isReached()
  }

  async #asSteward(work: () => Promise<void>): Promise<void> {
    const { isSteward = () => true } = this.#options
    if (isSteward()) await work()
  }
}
