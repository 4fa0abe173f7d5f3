/** What the clients of a run believe: what was acknowledged, what was refused, and what nobody can say. */

import type { Outcome } from './client.ts'

export type Kind = 'server' | 'network' | 'port' | 'user' | 'project' | 'keypair' | 'image' | 'flavor'

/** `maybe`: a deletion was sent and its answer never came; it may even be carried out later. */
export type Deletion = 'no' | 'maybe' | 'yes'

/** Something that a client was told exists. */
export interface Thing {
  readonly kind: Kind
  readonly id: string
  /** Below which it is shown, changed and deleted. */
  readonly path: string
  /** Whose token may do that. */
  readonly projectIndex: number
  /** Every name that it may have now. */
  names: readonly string[]
  deletion: Deletion
  /** One client at a time works on it. */
  isBusy: boolean
}

/** What a server may be by the words of its clients. */
export interface ServerThing extends Thing {
  readonly kind: 'server'
  /** Undefined once an answer to a start, stop or reboot was lost. */
  power: 'running' | 'stopped' | undefined
  /** How many requests were sent that can have ended its guest, or started it again. */
  stopsAsked: number
  startsAsked: number
  rebootsAsked: number
}

export class Model {
  readonly things: Thing[] = []
  /** Bytes of images whose upload was acknowledged, by the image's id. */
  readonly uploads = new Map<string, Buffer>()
  /** Tokens whose revocation was acknowledged. */
  readonly revokedTokens: string[] = []
  /** What became of each create, by the name that it was sent with; one under way has no entry. */
  readonly creates = new Map<string, Outcome>()
  /** The most that a project could ever have, by its id and the name of the limit. */
  readonly limitsMax = new Map<string, number>()
  /** Servers that a site has shown in a list. */
  readonly #seen = new Map<string, Set<string>>()
  #names = 0

  /** A name that nothing else ever has. */
  newName(kind: Kind): string {
    return `${kind}-${this.#names++}`
  }

  add(thing: Thing): void {
    this.things.push(thing)
  }

  /** Things of a kind that nobody works on and that are not known to be deleted. */
  idle<K extends Kind>(kind: K): readonly (K extends 'server' ? ServerThing : Thing)[] {
    const found = this.things.filter(
      (thing) => thing.kind === kind && !thing.isBusy && thing.deletion !== 'yes',
    )
    return found as never
  }

  server(id: string): ServerThing | undefined {
    return this.things.find((thing) => thing.kind === 'server' && thing.id === id) as ServerThing | undefined
  }

  /** Ids of the servers that were once in a list of a site. */
  seenAt(site: string): ReadonlySet<string> {
    return this.#seen.get(site) ?? new Set()
  }

  see(site: string, ids: Iterable<string>): void {
    this.#seen.set(site, new Set([...this.seenAt(site), ...ids]))
  }

  get servers(): readonly ServerThing[] {
    return this.things.filter((thing) => thing.kind === 'server') as ServerThing[]
  }
}
