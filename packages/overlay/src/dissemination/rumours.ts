/**
 * Tells every site the news: what is new to a site it passes on at once to a few others by chance and never again
 * ("infect and die": A. Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987, §1.4), and
 * two sites compare what they have from time to time ("anti-entropy", §1.3), so that nobody stays behind.
 *
 *     news ──▶ is it newer? does its topic hold it for genuine? ──▶ keep ──▶ fanout others
 *     digest ──▶ buckets differ? ──list──▶ newer ones ──news──▶ and ──want──▶ for those it lacks
 */

import { type CancelTimer, fraction } from '@atoll/kit'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { Message } from '../protocol/message.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { isRumour, type Rumour, type Topic } from './rumour.ts'
import { BUCKETS, type RumourMark, RumourStore } from './rumour-store.ts'
import { type DisseminationSettings, defaultDisseminationSettings } from './settings.ts'

export interface NewsMessage extends Message {
  readonly type: 'rumours.news'
  readonly rumours: readonly Rumour[]
}

export interface DigestMessage extends Message {
  readonly type: 'rumours.digest'
  readonly buckets: readonly number[]
}

/** `list`: all marks of the buckets that differ. `want`: those whose rumours the sender lacks. */
export interface MarksMessage extends Message {
  readonly type: 'rumours.list' | 'rumours.want'
  readonly buckets: readonly number[]
  readonly marks: readonly RumourMark[]
  /** More buckets differ than one message holds: compare again. */
  readonly isPartial?: boolean
}

export interface RumoursOptions {
  readonly environment: Environment
  /** Up to `count` sites to pass news on to, by chance. */
  readonly peers: (count: number) => readonly Contact[]
  readonly settings?: Partial<DisseminationSettings>
}

/** Marks in one message, and rumours sent in answer to one. */
const MARKS_MAX = 256

export class Rumours implements Protocol {
  readonly types = ['rumours.news', 'rumours.digest', 'rumours.list', 'rumours.want']
  readonly settings: DisseminationSettings
  readonly #options: RumoursOptions
  readonly #topics = new Map<string, Topic>()
  readonly #store = new RumourStore()
  #outbox: Rumour[] = []
  #dueMs = Number.POSITIVE_INFINITY
  #flushedMs = Number.NEGATIVE_INFINITY
  #cancelFlush: CancelTimer = () => {}
  #cancelReconcile: CancelTimer = () => {}
  #cancelAgain: CancelTimer = () => {}
  #refused = 0

  constructor(options: RumoursOptions) {
    this.#options = options
    this.settings = { ...defaultDisseminationSettings, ...options.settings }
  }

  /** How many rumours were newer and not genuine: somebody forges. */
  get refused(): number {
    return this.#refused
  }

  /** Callers add all topics before the start. */
  addTopic(topic: Topic): void {
    this.#topics.set(topic.name, topic)
  }

  start(): void {
    const { clock, random } = this.#options.environment
    this.#cancelReconcile = clock.after(this.settings.reconcileMs * fraction(random), this.#onReconcile)
  }

  stop(): void {
    this.#cancelFlush()
    this.#cancelReconcile()
    this.#cancelAgain()
    this.#outbox = []
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** Tells the cloud something. Callers have made sure that it is newer than what they told before. */
  tell(rumour: Rumour): void {
    const topic = this.#topics.get(rumour.topic)
    if (!topic) return
    if (topic.isKept) this.#store.put(rumour)
    this.#passOn(rumour, topic)
  }

  /** Keeps what is known without telling it. */
  keep(rumour: Rumour): void {
    if ((this.#store.find(rumour.topic, rumour.subject)?.number ?? -1) < rumour.number)
      this.#store.put(rumour)
  }

  find(topic: string, subject: string): Rumour | undefined {
    return this.#store.find(topic, subject)
  }

  /** Forgets what is kept of a subject; callers see to it that its topic does not take it again. */
  forget(topic: string, subject: string): void {
    this.#store.delete(topic, subject)
  }

  /** Compares with a certain site now, as one does that has just joined or come back. */
  reconcileWith(contact: Contact): void {
    const message: DigestMessage = {
      type: 'rumours.digest',
      version: 1,
      buckets: Array.from(this.#store.digest),
    }
    this.#options.environment.send(contact, message)
  }

  receive(from: Contact, message: Message): void {
    switch (message.type) {
      case 'rumours.news':
        this.#hear((message as NewsMessage).rumours)
        break
      case 'rumours.digest':
        this.#compare(from, message as DigestMessage)
        break
      case 'rumours.list':
        this.#answerList(from, message as MarksMessage)
        break
      case 'rumours.want':
        this.#sendMarked(from, (message as MarksMessage).marks)
    }
  }

  #hear(rumours: readonly Rumour[]): void {
    if (!Array.isArray(rumours)) return
    for (const rumour of rumours.slice(0, this.settings.rumoursMax)) if (isRumour(rumour)) this.#judge(rumour)
  }

  #judge(rumour: Rumour): void {
    const topic = this.#topics.get(rumour.topic)
    if (!topic) return
    if (topic.isKept) {
      const known = this.#store.find(rumour.topic, rumour.subject)
      if (known && known.number >= rumour.number) return
      if (!known && this.#store.count(rumour.topic) >= this.settings.subjectsMax) return
    }
    const verdict = topic.accept(rumour)
    if (verdict && topic.isKept) this.#store.put(rumour)
    if (verdict === true) this.#passOn(rumour, topic)
    else if (!verdict && topic.isKept) this.#refused++
  }

  #passOn(rumour: Rumour, topic: Topic): void {
    const { clock } = this.#options.environment
    this.#outbox.push(rumour)
    const nowMs = clock.monotonicMs()
    const waitMs = topic.isUrgent ? this.settings.urgentMs : this.settings.batchMs
    const dueMs = Math.max(nowMs, this.#flushedMs + waitMs)
    if (dueMs >= this.#dueMs) return
    this.#dueMs = dueMs
    this.#cancelFlush()
    // Never at once: what else the message at hand brings shall travel along.
    this.#cancelFlush = clock.after(dueMs - nowMs, this.#flush)
  }

  readonly #flush = (): void => {
    const { environment, peers } = this.#options
    const { fanout, rumoursMax } = this.settings
    this.#flushedMs = environment.clock.monotonicMs()
    this.#dueMs = Number.POSITIVE_INFINITY
    const outbox = this.#outbox
    this.#outbox = []
    for (let start = 0; start < outbox.length; start += rumoursMax) {
      const rumours = outbox.slice(start, start + rumoursMax)
      const message: NewsMessage = { type: 'rumours.news', version: 1, rumours }
      const waves = Math.max(...rumours.map(({ topic }) => this.#topics.get(topic)?.waves ?? 1))
      for (const peer of peers(waves * fanout)) environment.send(peer, message)
    }
  }

  readonly #onReconcile = (): void => {
    const { environment, peers } = this.#options
    const delayMs = this.settings.reconcileMs * (0.75 + fraction(environment.random) / 2)
    this.#cancelReconcile = environment.clock.after(delayMs, this.#onReconcile)
    const [peer] = peers(1)
    if (peer) this.reconcileWith(peer)
  }

  #compare(from: Contact, { buckets }: DigestMessage): void {
    if (!Array.isArray(buckets) || buckets.length !== BUCKETS) return
    const differing: number[] = []
    const marks: RumourMark[] = []
    let isPartial = false
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (buckets[bucket] === this.#store.digest[bucket]) continue
      isPartial = marks.length >= MARKS_MAX
      if (isPartial) break
      differing.push(bucket)
      for (const { topic, subject, number } of this.#store.inBucket(bucket))
        marks.push([topic, subject, number])
    }
    if (differing.length === 0) return
    const message: MarksMessage = { type: 'rumours.list', version: 1, buckets: differing, marks, isPartial }
    this.#options.environment.send(from, message)
  }

  #answerList(from: Contact, { buckets, marks, isPartial }: MarksMessage): void {
    if (!Array.isArray(buckets) || !Array.isArray(marks)) return
    const theirs = new Map<string, number>()
    const wanted: RumourMark[] = []
    for (const mark of marks.slice(0, 2 * MARKS_MAX)) {
      if (!isMark(mark)) continue
      const [topic, subject, number] = mark
      theirs.set(`${topic} ${subject}`, number)
      if ((this.#store.find(topic, subject)?.number ?? -1) < number) wanted.push(mark)
    }
    if (wanted.length > 0)
      this.#options.environment.send(from, {
        type: 'rumours.want',
        version: 1,
        buckets: [],
        marks: wanted,
      } as MarksMessage)
    const newer: RumourMark[] = []
    for (const bucket of new Set(buckets.slice(0, BUCKETS))) {
      for (const { topic, subject, number } of this.#store.inBucket(Number(bucket)))
        if ((theirs.get(`${topic} ${subject}`) ?? -1) < number) newer.push([topic, subject, number])
    }
    this.#sendMarked(from, newer)
    if (isPartial !== true) return
    this.#cancelAgain()
    this.#cancelAgain = this.#options.environment.clock.after(this.settings.batchMs, () =>
      this.reconcileWith(from),
    )
  }

  #sendMarked(to: Contact, marks: readonly RumourMark[]): void {
    if (!Array.isArray(marks)) return
    const { rumoursMax } = this.settings
    const found = marks
      .slice(0, 2 * MARKS_MAX)
      .filter(isMark)
      .flatMap(([topic, subject]) => this.#store.find(topic, subject) ?? [])
    for (let start = 0; start < found.length; start += rumoursMax) {
      const rumours = found.slice(start, start + rumoursMax)
      this.#options.environment.send(to, { type: 'rumours.news', version: 1, rumours } as NewsMessage)
    }
  }
}

function isMark(value: unknown): value is RumourMark {
  if (!Array.isArray(value)) return false
  const [topic, subject, number] = value as readonly unknown[]
  return typeof topic === 'string' && typeof subject === 'string' && typeof number === 'number'
}
