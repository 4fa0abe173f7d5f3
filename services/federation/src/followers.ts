/** One follower for each other site, from when it becomes known: closely those that are near, the others when gossip tells of news. */

import { type Logger, Refresher, type Service, Supervisor } from '@atoll/kit'
import type { RecordTable } from '@atoll/state'
import { Follower, type FollowerOptions } from './follower.ts'
import type { CloseSites } from './overlay/close-sites.ts'
import type { FeedHeads } from './overlay/feed-heads.ts'
import type { PeerOverlay } from './overlay/peer-overlay.ts'
import { siteRevocations, sites } from './records.ts'

export interface FollowersOptions extends Omit<FollowerOptions, 'site' | 'isClose'> {
  readonly log: Logger
  readonly domains: RecordTable
  readonly close: CloseSites
  readonly heads: FeedHeads
  readonly overlay: PeerOverlay
  /** Something has changed that decides who may take over what of whom. */
  readonly onAuthority: () => void
}

export class Followers implements Service {
  readonly name = 'followers of all sites'
  readonly #options: FollowersOptions
  readonly #supervisor: Supervisor
  readonly #followed = new Map<string, Follower>()

  constructor(options: FollowersOptions) {
    this.#options = options
    this.#supervisor = new Supervisor(options)
    options.heads.onHead((site, head) => this.#followed.get(site)?.hear(head))
  }

  /** The followers, and who tells them that a site is back or about to sleep: a pause may last a minute. */
  services(): readonly Service[] {
    const returns = this.#options.overlay.notifications.subscribe({
      name: 'followers',
      kinds: ['state'],
      handle: (news) => {
        if (news.kind === 'state' && (news.state === 'alive' || news.state === 'dormant'))
          this.poke(news.site)
      },
    })
    return [this, returns]
  }

  /** There is a reason to ask a site now. */
  poke(site: string): void {
    this.#followed.get(site)?.poke()
  }

  /** Sites that say that this one was shut out. */
  get shutOutBy(): readonly string[] {
    return [...this.#followed].flatMap(([site, { isShutOut }]) => (isShutOut ? site : []))
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, clock, directory, domains, onAuthority } = this.#options
    const follow = () => this.#followNew()
    const refresh = async () => void (await state.feed.reconsider())
    const reconsidering = new Refresher({ clock, refresh })
    const stopListening = [
      directory.onChange(() => {
        follow()
        onAuthority()
      }),
      state.onCommit((changes) => {
        if (changes.some(({ table }) => this.#decides(table))) reconsidering.request()
        if (changes.some(({ table }) => table === domains.name)) onAuthority()
      }),
    ]
    follow()
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    for (const stop of stopListening) stop()
    await this.#supervisor.stop()
  }

  /** Domains say whom they trust; sites, which ids and signatures are theirs; revocations, who inherits from whom. */
  #decides(table: string): boolean {
    return table === this.#options.domains.name || table === sites.name || table === siteRevocations.name
  }

  #followNew(): void {
    const { directory, close } = this.#options
    for (const { name } of directory.others) {
      if (this.#followed.has(name)) continue
      const follower = new Follower({ ...this.#options, site: name, isClose: () => close.has(name) })
      this.#followed.set(name, follower)
      this.#supervisor.start(follower)
    }
  }
}
