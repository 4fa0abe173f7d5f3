/**
 * How sites come into the cloud and stay in it, at a site that can certify them: one that holds the cloud's key, or one that admits
 * others under names and codes of its own. Nobody else has to be asked, and everybody can verify what was certified.
 */

import { X509Certificate } from 'node:crypto'
import { type Clock, Limiter, type Random, type SiteCode } from '@atoll/kit'
import {
  type Admitter,
  acceptJoin,
  admittedName,
  allSiteCodes,
  CannotCertify,
  certifiesCodes,
  issueAdmitter,
  issueJoinToken,
  type KeyRing,
  proveSite,
  RENEWAL_GRACE_MS,
  renewSite,
  requireAdmissibleName,
  type SiteCertificateAnswer,
  siteCodesOf,
} from '@atoll/overlay'
import type { State, Trust } from '@atoll/state'
import type { Directory } from './directory.ts'
import { CannotAdmit, SiteNotTrusted, SiteRevoked, TokenIssuerUnknown } from './errors.ts'
import { JoinDesk } from './join-desk.ts'
import type { PeerAddress } from './records.ts'

export interface AdmissionOptions {
  readonly state: State
  readonly directory: Directory
  readonly trust: Trust
  readonly clock: Clock
  readonly random: Random
  readonly keys: () => KeyRing
  readonly root: { readonly domainId: string; readonly founder: string }
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #desk: JoinDesk
  /** The endpoint is open to everybody, and each answer costs signatures. */
  readonly #limiter = new Limiter({ what: 'certificates', concurrencyMax: 2, waitingMax: 64 })

  constructor(options: AdmissionOptions) {
    this.#options = options
    const { state, directory } = options
    this.#desk = new JoinDesk({
      state,
      codes: () => {
        const { admits } = options.keys()
        return (admits && siteCodesOf(new X509Certificate(admits.certificate))) ?? allSiteCodes
      },
      known: () => directory.all,
    })
  }

  /** At a site that holds the cloud's key: takes its own name and code, so that nobody else gets them. Idempotent. */
  async open(): Promise<void> {
    if (this.#holdsCloudKey) await this.#desk.registerSelf()
  }

  /** Whether sites can join here. */
  get isPossible(): boolean {
    return this.#mayUseCloudKey || this.#options.keys().admits !== undefined
  }

  /** What the names of those who join here begin with. */
  get namePrefix(): string {
    return this.#mayUseCloudKey ? '' : admittedName(this.#options.state.site.name, '')
  }

  /** Issues a token that lets one site join here. @throws CannotAdmit, NameInvalid, JoinSiteNameReserved */
  async issueToken({ siteName, lifeMs }: { siteName?: string; lifeMs: number }): Promise<string> {
    const { clock, random, state } = this.#options
    const admitter = this.#admitter()
    if (siteName !== undefined) requireAdmissibleName(siteName, admitter)
    return issueJoinToken({
      cloudAuthority: admitter.cloudAuthority,
      issuerCode: state.site.code,
      store: this.#desk,
      random,
      siteName,
      expiresAtMs: clock.nowMs() + lifeMs,
    })
  }

  /** Answers a join request. @throws CannotAdmit, and what `acceptJoin` throws */
  async accept(request: unknown): Promise<object> {
    const { clock, random, root, state, directory } = this.#options
    const answer = await acceptJoin({ clock, random, request, admitter: this.#admitter(), store: this.#desk })
    return { ...answer, founder: root.founder, admittedBy: state.site.name, sites: directory.hints() }
  }

  /** Where the site is that has issued a token: only of those that admit, as anybody may ask. @throws TokenIssuerUnknown */
  whereToJoin(issuerCode: SiteCode): { readonly addresses: readonly PeerAddress[] } {
    const { directory } = this.#options
    const site = directory.all.find(({ code, admits }) => code === issuerCode && admits)
    if (!site || site.addresses.length === 0) throw TokenIssuerUnknown({ code: issuerCode })
    return { addresses: site.addresses.slice(0, 8) }
  }

  /** A new certificate for a site that proves who it is. @throws SiteRevoked, and what `proveSite` and `renewSite` throw */
  renew(request: unknown): Promise<SiteCertificateAnswer> {
    return this.#limiter.run(async () => {
      const { clock, random } = this.#options
      const proven = await this.#prove(request, RENEWAL_GRACE_MS)
      return renewSite({ clock, random, proven, by: this.#certifier() })
    })
  }

  /**
   * Lets a site that is trusted with the cloud's own domain admit others.
   * @throws SiteRevoked, SiteNotTrusted, CannotCertify, and what `proveSite` throws
   */
  letAdmit(request: unknown): Promise<{ readonly certificate: string }> {
    return this.#limiter.run(async () => {
      const { clock, random, keys, state, trust, root } = this.#options
      const { certificate, privateKey } = keys().cloudAuthority
      const { cloud, site, publicKey } = await this.#prove(request, 0)
      if (
        !this.#mayUseCloudKey ||
        privateKey === undefined ||
        !certifiesCodes(new X509Certificate(certificate))
      )
        throw CannotCertify({ site })
      const codes = await state.transaction(async (transaction) => {
        if (!(await trust.hasAuthority(root.domainId, site, transaction))) throw SiteNotTrusted({ site })
        return this.#desk.lendCodes(transaction, site)
      })
      if (!codes) throw CannotCertify({ site })
      const identity = { cloud, site }
      const cloudAuthority = { certificate, privateKey }
      return {
        certificate: await issueAdmitter({ clock, random, cloudAuthority, identity, codes, publicKey }),
      }
    })
  }

  async #prove(request: unknown, graceMs: number) {
    const { clock, keys, directory } = this.#options
    const { cloudAuthority } = keys()
    const proven = await proveSite({ request, cloudAuthority, nowMs: clock.nowMs(), graceMs })
    if (directory.isRevoked(proven.site)) throw SiteRevoked({ site: proven.site })
    return proven
  }

  get #holdsCloudKey(): boolean {
    return this.#options.keys().cloudAuthority.privateKey !== undefined
  }

  /** Names and codes are given from one store: another site that was handed the key only renews with it. */
  get #mayUseCloudKey(): boolean {
    const { state, root } = this.#options
    return this.#holdsCloudKey && state.site.name === root.founder
  }

  #admitter(): Admitter {
    if (!this.isPossible) throw this.#cannotAdmit()
    const { certificate, privateKey } = this.#options.keys().cloudAuthority
    if (this.#mayUseCloudKey && privateKey !== undefined)
      return { cloudAuthority: { certificate, privateKey } }
    return { cloudAuthority: { certificate }, own: this.#own() }
  }

  #certifier(): Admitter {
    return { cloudAuthority: this.#options.keys().cloudAuthority, own: this.#own() }
  }

  #own(): Admitter['own'] {
    const { keys, state } = this.#options
    const { admits, site } = keys()
    return admits && { siteName: state.site.name, issuer: { ...admits, privateKey: site.privateKey } }
  }

  #cannotAdmit() {
    const { directory, state, keys } = this.#options
    const others = directory.all.filter(({ admits, standing }) => admits && standing !== 'revoked')
    const { certificate } = keys().cloudAuthority
    return CannotAdmit({
      site: state.site.name,
      admitting: others.map(({ name }) => name).sort(),
      canBeTrusted: certificate !== '' && certifiesCodes(new X509Certificate(certificate)),
    })
  }
}
