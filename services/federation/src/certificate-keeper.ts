/**
 * Keeps what the cloud has certified of this site: asks for a new certificate in the last third of the present one's life, and, once
 * the site is trusted, for one with which it may admit others. One peer asks and writes the answer into the site's store; every peer
 * takes it from there.
 */

import { X509Certificate } from 'node:crypto'
import { type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import {
  admitterOf,
  CERTIFICATES_PATH,
  CertificateExpiredLongAgo,
  certifiesCodes,
  completeAdmission,
  completeSiteRenewal,
  createCertificateRequest,
  isRenewalDue,
  type KeyRing,
  type PeerTransport,
  type SiteCertificateAnswer,
  type SiteCertificates,
  validityOf,
} from '@atoll/overlay'
import type { State, Trust } from '@atoll/state'
import { Type } from 'typebox'
import type { Admission } from './admission.ts'
import type { Directory } from './directory.ts'
import { callPeer, PeerRefused } from './peer-client.ts'
import { ownCertificates } from './tables.ts'

export interface CertificateKeeperOptions {
  readonly state: State
  readonly directory: Directory
  readonly trust: Trust
  readonly transport: PeerTransport
  readonly clock: Clock
  readonly log: Logger
  readonly keys: () => KeyRing
  /** Puts new certificates into use, for `keys` and for connections from then on. */
  readonly installCertificates: (certificates: SiteCertificates) => Promise<void>
  /** Answers at a site that can certify itself. */
  readonly admission: Pick<Admission, 'renew' | 'letAdmit'>
  /** Default: always. */
  readonly isSteward?: () => boolean
  /** New certificates are in use: the site says so in its record. */
  readonly onInstalled: () => Promise<void>
  readonly root: { readonly domainId: string; readonly founder: string }
  readonly domains: { readonly name: string }
}

/** Far below a third of a certificate's life, and often enough that a site which was just trusted admits soon. */
const INTERVAL_MS = 60_000
/** Whom to ask before the next pass; more of them would not know better. */
const ASKED_MAX = 8

const SiteAnswer = Type.Object({
  siteCertificate: Type.String({ maxLength: 8192 }),
  admitterCertificate: Type.Optional(Type.String({ maxLength: 8192 })),
})
const AdmitsAnswer = Type.Object({ certificate: Type.String({ maxLength: 8192 }) })

type Installed = Pick<CertificateKeeperOptions, 'installCertificates'>

/** What keeps the certificates of a site, where there are any. */
export function keepCertificates(
  options: Omit<CertificateKeeperOptions, 'installCertificates'> & Partial<Installed>,
): readonly Service[] {
  const { installCertificates } = options
  return installCertificates ? [new CertificateKeeper({ ...options, installCertificates }).service()] : []
}

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions

  constructor(options: CertificateKeeperOptions) {
    this.#options = options
  }

  service(): Service {
    const { state, clock, log, domains } = this.#options
    const reconciler = new Reconciler({
      name: 'keeper of certificates',
      clock,
      log,
      intervalMs: INTERVAL_MS,
      pass: () => this.pass(),
    })
    return {
      name: reconciler.name,
      run: async (signal) => {
        const stop = state.onCommit((changes) => {
          if (changes.some(({ table }) => table === domains.name || table === ownCertificates.name))
            reconciler.poke()
        })
        await reconciler.run(signal)
        stop()
      },
    }
  }

  /** One look at everything; what is not answered now is asked again at the next. */
  async pass(): Promise<void> {
    await this.#install()
    const { isSteward = () => true } = this.#options
    if (!isSteward()) return
    await this.#renewSite()
    await this.#askToAdmit()
    await this.#install()
  }

  async #renewSite(): Promise<void> {
    const { keys, clock, log, admission } = this.#options
    const validity = validityOf(new X509Certificate(keys().site.certificate))
    if (!isRenewalDue(validity, clock.nowMs())) return
    const isExpired = clock.nowMs() > validity.notAfterMs
    const request = await createCertificateRequest(keys())
    const answer = await this.#askAny<SiteCertificateAnswer>(async (site) =>
      site === undefined
        ? admission.renew(request)
        : (this.#call(site, {
            path: `${CERTIFICATES_PATH}/site`,
            body: request,
            answer: SiteAnswer,
          }) as Promise<SiteCertificateAnswer>),
    )
    if (!answer) {
      const notAfter = new Date(validity.notAfterMs).toISOString()
      if (isExpired)
        log.error(
          { notAfter },
          'the certificate of this site has expired and nobody renews it: no other site talks to this one',
        )
      else log.warn({ notAfter }, 'the certificate of this site was not renewed yet; it is asked for again')
      return
    }
    completeSiteRenewal({ keys: keys(), answer, nowMs: clock.nowMs() })
    await this.#keep('site', answer.siteCertificate, answer.admitterCertificate)
  }

  async #askToAdmit(): Promise<void> {
    const { keys, clock, state, trust, root, admission } = this.#options
    const { admits, cloudAuthority, site } = keys()
    const nowMs = clock.nowMs()
    if (state.site.name === root.founder || !certifiesCodes(new X509Certificate(cloudAuthority.certificate)))
      return
    if (admits && !isRenewalDue(validityOf(new X509Certificate(admits.certificate)), nowMs)) return
    if (nowMs > validityOf(new X509Certificate(site.certificate)).notAfterMs) return
    if (!(await trust.hasAuthority(root.domainId, state.site.name, state))) return
    const request = await createCertificateRequest(keys())
    const path = `${CERTIFICATES_PATH}/admits`
    const answer = await this.#askAny(async (name) =>
      name === undefined
        ? admission.letAdmit(request)
        : this.#call(name, { path, body: request, answer: AdmitsAnswer }),
    )
    if (!answer) return
    completeAdmission({ keys: keys(), certificate: answer.certificate, nowMs })
    await this.#keep('admits', answer.certificate, undefined)
  }

  /** This site itself, then whoever has admitted it, the founder, and others that admit: the first that can. */
  async #askAny<Answer>(ask: (site: string | undefined) => Promise<Answer>): Promise<Answer | undefined> {
    const { state, directory, root, keys, log } = this.#options
    const self = state.site.name
    const admitting = directory.others.filter(({ admits }) => admits).map(({ name }) => name)
    const others = [admitterOf(self), root.founder, ...admitting].filter(
      (name) => name !== undefined && name !== self && directory.find(name) !== undefined,
    )
    const own = keys().cloudAuthority.privateKey === undefined ? [] : [undefined]
    for (const site of [...own, ...new Set(others)].slice(0, ASKED_MAX)) {
      try {
        return await ask(site)
      } catch (error) {
        log.info({ site: site ?? self, err: error }, 'a certificate was not given')
        if (error instanceof PeerRefused && error.code === CertificateExpiredLongAgo.code) return undefined
      }
    }
    return undefined
  }

  #call<Schema extends Parameters<typeof callPeer>[1]['answer']>(
    site: string,
    { path, body, answer }: { path: string; body: object; answer: Schema },
  ) {
    const { transport } = this.#options
    return callPeer(transport, { site, method: 'POST', path, body, answer, workMs: 5000 })
  }

  async #keep(kind: 'site' | 'admits', certificate: string, admitter: string | undefined): Promise<void> {
    const row = { kind, certificate, admitter: admitter ?? null }
    await this.#options.state.transaction(async (transaction) => {
      await transaction.queries
        .insertInto(ownCertificates.name)
        .values(row)
        .onConflict((conflict) => conflict.column('kind').doUpdateSet(row))
        .execute()
      transaction.tell({ table: ownCertificates.name, id: kind })
    })
  }

  /** Puts into use what lasts longer than what is in use. */
  async #install(): Promise<void> {
    const { state, keys, installCertificates, onInstalled, log } = this.#options
    const { site, admits } = keys()
    const rows = await state.local(ownCertificates).selectAll().execute()
    const find = (kind: string, present: string | undefined) =>
      rows.find((row) => row.kind === kind && isLater(row.certificate, present))
    const newSite = find('site', site.certificate)
    const newAdmits = find('admits', admits?.certificate)
    if (!newSite && !newAdmits) return
    await installCertificates({
      ...(newSite
        ? { site: { certificate: newSite.certificate, admitter: newSite.admitter ?? undefined } }
        : {}),
      ...(newAdmits ? { admits: newAdmits.certificate } : {}),
    })
    log.info(
      { site: newSite !== undefined, admits: newAdmits !== undefined },
      'new certificates of this site are in use',
    )
    await onInstalled()
  }
}

function isLater(certificate: string, present: string | undefined): boolean {
  const endOf = (text: string) => validityOf(new X509Certificate(text)).notAfterMs
  return present === undefined || endOf(certificate) > endOf(present)
}
