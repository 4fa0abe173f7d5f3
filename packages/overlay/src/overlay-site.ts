/**
 * The overlay of one site: membership, failure detection and dissemination, and where it is wanted positions, nearest
 * sites and the ring, wired together. It takes datagrams and sends datagrams; the same object runs in a peer and,
 * thousands of times, in the simulator.
 */

import { DESCRIPTOR_TOPIC, descriptorRumour, descriptorTopic } from './dissemination/descriptors-topic.ts'
import type { Rumour, Topic } from './dissemination/rumour.ts'
import { Rumours } from './dissemination/rumours.ts'
import type { DisseminationSettings } from './dissemination/settings.ts'
import { FailureDetector } from './faults/failure-detector.ts'
import { isHere, MemberTable } from './faults/member-table.ts'
import { defaultFaultSettings, type FaultSettings } from './faults/settings.ts'
import { AdmissionGuard } from './membership/admission-guard.ts'
import { Cyclon } from './membership/cyclon.ts'
import { type CyclonSettings, defaultCyclonSettings } from './membership/cyclon-settings.ts'
import type { Descriptor, PlannedState, SignedDescriptor } from './membership/descriptor.ts'
import { DescriptorBook } from './membership/descriptor-book.ts'
import { notifyOfMembers } from './notifications/member-notifications.ts'
import type { Notifications } from './notifications/notifications.ts'
import { OverlaySpace, type SpaceOptions } from './overlay-space.ts'
import type { Contact } from './protocol/contact.ts'
import type { Environment } from './protocol/environment.ts'
import type { Message } from './protocol/message.ts'
import type { Protocol } from './protocol/protocol.ts'
import { ProtocolSet } from './protocol/protocol-set.ts'
import type { ProbeRider } from './protocol/rider.ts'
import type { Signatures } from './protocol/signatures.ts'
import type { Address } from './transport/dial.ts'

export interface OverlaySiteOptions {
  readonly environment: Environment
  readonly signatures: Signatures
  readonly addresses: readonly Address[]
  /** One or more sites that may know others; those of an earlier run as well. */
  readonly contacts: () => readonly Contact[]
  readonly membership?: Partial<CyclonSettings>
  readonly faults?: Partial<FaultSettings>
  readonly dissemination?: Partial<DisseminationSettings>
  readonly topics?: readonly Topic[]
  readonly riders?: readonly ProbeRider[]
  /** Further protocols of the same site. */
  readonly protocols?: readonly Protocol[]
  /** Positions, nearest sites and the ring as well. Default: membership alone. */
  readonly space?: SpaceOptions
  /** Hears what changes among the sites. */
  readonly notifications?: Notifications
  /** How the site begins. Default: alive. */
  readonly state?: PlannedState
  /** Verified descriptors, where several sites of one process share them. */
  readonly book?: DescriptorBook
}

export class OverlaySite implements Protocol {
  readonly table: MemberTable
  readonly cyclon: Cyclon
  readonly rumours: Rumours
  readonly detector: FailureDetector
  /** Where the sites are; undefined where it was not wanted. */
  readonly space: OverlaySpace | undefined
  readonly #options: OverlaySiteOptions
  readonly #set: ProtocolSet
  readonly #book: DescriptorBook
  readonly #shutOut = new Set<string>()
  #self: Descriptor

  constructor(options: OverlaySiteOptions) {
    const { environment, signatures, contacts, addresses, topics = [] } = options
    const settings = { ...defaultFaultSettings, ...options.faults }
    const membership = { ...defaultCyclonSettings, ...options.membership }
    this.#options = options
    this.#book = options.book ?? new DescriptorBook(signatures)
    this.#self = this.#issue(Math.floor(environment.clock.nowMs()), options.state ?? 'alive', addresses)
    this.table = new MemberTable({ site: signatures.site, clock: environment.clock })
    this.space = options.space && this.#openSpace(options.space)
    this.rumours = new Rumours({
      environment,
      peers: (count) => this.#peers(count),
      ...(options.dissemination ? { settings: options.dissemination } : {}),
    })
    this.cyclon = new Cyclon({
      environment,
      book: this.#book,
      self: () => this.#self,
      contacts,
      admission: new AdmissionGuard({ random: environment.random, table: this.table, ...membership }),
      onDescriptor: (descriptor) => this.#learn(descriptor),
      isAway: (site) => {
        const state = this.table.find(site)?.state
        return (state !== undefined && !isHere(state)) || this.#shutOut.has(site)
      },
      settings: membership,
    })
    this.detector = new FailureDetector({
      environment,
      settings,
      table: this.table,
      signatures,
      self: () => this.#self,
      onDoubted: (incarnation) => this.#renew(incarnation),
      onDescriptor: (signed) => this.#read(signed),
      tell: (rumour) => this.rumours.tell(rumour),
      riders: [...(this.space ? [this.space.positions] : []), ...(options.riders ?? [])],
    })
    for (const topic of [this.detector.topic, this.#descriptorTopic(), ...topics])
      this.rumours.addTopic(topic)
    this.table.onChange((member) => {
      if (member.state === 'cut' || member.state === 'left' || member.state === 'dormant')
        this.cyclon.forget(member.site)
    })
    if (options.notifications)
      notifyOfMembers({
        table: this.table,
        notifications: options.notifications,
        neighbours: settings.watched,
      })
    this.#set = new ProtocolSet([
      this.rumours,
      this.cyclon,
      this.detector,
      ...(this.space?.protocols ?? []),
      ...(options.protocols ?? []),
    ])
  }

  get types(): readonly string[] {
    return this.#set.types
  }

  /** What this site says of itself. */
  get self(): Descriptor {
    return this.#self
  }

  start(): void {
    this.#set.start()
    this.rumours.tell(descriptorRumour(this.#self))
    const [contact] = this.#options.contacts()
    if (contact) this.rumours.reconcileWith(contact)
  }

  stop(): void {
    this.#set.stop()
  }

  receive(from: Contact, message: Message): void {
    this.detector.heardFrom(from.site)
    this.#set.receive(from, message)
  }

  /** Tells the cloud that this site sleeps, is back, or leaves for good; callers let it run on until that has spread. */
  announce(state: PlannedState): void {
    if (state !== this.#self.state) this.#say(state, this.#self.contact.addresses)
  }

  /** Tells the cloud where this site listens and what proves its word, where either is not as it was told last. */
  describe(addresses: readonly Address[]): void {
    const { contact, signed } = this.#self
    const isProvedAsBefore = signed.credential === this.#options.signatures.credential
    if (isProvedAsBefore && isSame(addresses, contact.addresses)) return
    this.#say(this.#self.state, addresses)
  }

  /** Forgets a site that may not take part any more, for good. */
  shutOut(site: string): void {
    this.#shutOut.add(site)
    this.rumours.forget(DESCRIPTOR_TOPIC, site)
    this.table.remove(site)
  }

  /** Takes a genuine descriptor that was kept from an earlier run, without telling others. */
  learn(descriptor: Descriptor): void {
    if (this.#shutOut.has(descriptor.contact.site)) return
    this.table.learn(descriptor)
    this.rumours.keep(descriptorRumour(descriptor))
  }

  tell(rumour: Rumour): void {
    this.rumours.tell(rumour)
  }

  #descriptorTopic(): Topic {
    return descriptorTopic(this.#book, (descriptor) => {
      const { site } = descriptor.contact
      if (site !== this.#self.contact.site) return !this.#shutOut.has(site) && this.table.learn(descriptor)
      this.#hearOfSelf(descriptor)
      return false
    })
  }

  /** Takes what came beside a message, unverified. */
  #read(signed: SignedDescriptor): void {
    const descriptor = this.#book.read(signed)
    if (descriptor) this.#learn(descriptor)
  }

  /** A descriptor that came beside a rumour is news for others, too. */
  #learn(descriptor: Descriptor): void {
    if (descriptor.contact.site === this.#self.contact.site) {
      this.#hearOfSelf(descriptor)
      return
    }
    if (this.#shutOut.has(descriptor.contact.site)) return
    if (this.table.learn(descriptor)) this.rumours.tell(descriptorRumour(descriptor))
  }

  /** Says that we are there, above `incarnation`, unless we have said so since. */
  #renew(incarnation: number): void {
    if (incarnation < this.#self.incarnation) return
    this.#self = this.#issue(incarnation + 1, this.#self.state, this.#self.contact.addresses)
    this.rumours.tell(descriptorRumour(this.#self))
  }

  /**
   * Somebody tells of us: ahead of what we say, it is from an earlier life whose clock was ahead of ours, or from another
   * peer of this site that speaks for it, too. Those two must not outbid each other for ever: what says the same is taken.
   */
  #hearOfSelf(descriptor: Descriptor): void {
    const { incarnation, state, contact, signed } = descriptor
    const own = this.#self
    if (incarnation <= own.incarnation) return
    const isSameWord =
      state === own.state &&
      signed.credential === own.signed.credential &&
      isSame(contact.addresses, own.contact.addresses)
    if (!isSameWord) {
      this.#renew(incarnation)
      return
    }
    this.#self = descriptor
    this.rumours.keep(descriptorRumour(descriptor))
  }

  #say(state: PlannedState, addresses: readonly Address[]): void {
    this.#self = this.#issue(this.#self.incarnation + 1, state, addresses)
    this.rumours.tell(descriptorRumour(this.#self))
  }

  #openSpace(space: SpaceOptions): OverlaySpace {
    const { environment, notifications } = this.#options
    const self = this.#self.contact
    return new OverlaySpace({
      ...space,
      environment,
      self,
      table: this.table,
      ...(notifications ? { notifications } : {}),
    })
  }

  #issue(incarnation: number, state: PlannedState, addresses: readonly Address[]): Descriptor {
    return this.#book.issue({ incarnation, state, addresses })
  }

  /** Neighbours in the view; a site whose view is empty asks whom it knows. */
  #peers(count: number): readonly Contact[] {
    const { environment, contacts } = this.#options
    const sampled = this.cyclon.view.sample(count, environment.random)
    if (sampled.length > 0) return sampled.map(({ descriptor }) => descriptor.contact)
    const members = this.table.sample(count, environment.random)
    return members.length > 0
      ? members.map(({ descriptor }) => descriptor.contact)
      : contacts().slice(0, count)
  }
}

function isSame(left: readonly Address[], right: readonly Address[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ host, port }, index) => host === right[index]?.host && port === right[index]?.port)
  )
}
