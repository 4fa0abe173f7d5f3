/**
 * Millions of events in order of time and, at one time, of insertion. A heap of four children over typed arrays: no
 * object per event, so that an hour of a thousand sites passes in a minute.
 *
 *     heap:   times[i], orders[i], slots[i]                 moved about
 *     slots:  ticket[s], node, from and life[s], payload[s]  stay where they are; free ones form a list
 */

/** What a slot holds: a timer's action, or a message; undefined once it was cancelled. */
export type Payload = object | undefined

/** Numbers of a slot; a power of two, so that none lies on two lines of memory. */
const WHOSE = 4

export class EventHeap {
  readonly payload: Payload[] = []
  /** Node, sender and life of each slot, side by side. */
  #whose = new Int32Array(1024 * WHOSE)
  #times = new Float64Array(1024)
  #orders = new Float64Array(1024)
  #slots = new Int32Array(1024)
  /** The order of what lies in a slot, which is its ticket. */
  #tickets = new Float64Array(1024)
  #free: number[] = []
  #slotCount = 0
  #size = 0
  #order = 0

  get size(): number {
    return this.#size
  }

  /** When the next event is due; Infinity when there is none. Cancelled ones count. */
  get nextAtMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] ?? 0)
  }

  /** Returns the slot of the event. */
  add(atMs: number, node: number, from: number, life: number, payload: Payload): number {
    const slot = this.#free.pop() ?? this.#newSlot()
    const whose = slot * WHOSE
    this.#whose[whose] = node
    this.#whose[whose + 1] = from
    this.#whose[whose + 2] = life
    this.payload[slot] = payload
    this.#order++
    this.#tickets[slot] = this.#order
    this.#insert(atMs, this.#order, slot)
    return slot
  }

  nodeOf(slot: number): number {
    return this.#whose[slot * WHOSE] ?? 0
  }

  /** The sender of a message; `TIMER` for a timer. */
  fromOf(slot: number): number {
    return this.#whose[slot * WHOSE + 1] ?? 0
  }

  /** The life of the node in which a timer was set. */
  lifeOf(slot: number): number {
    return this.#whose[slot * WHOSE + 2] ?? 0
  }

  /** Names an event for `cancel`, as slots are used again. */
  ticketOf(slot: number): number {
    return this.#tickets[slot] ?? 0
  }

  /** Takes the payload of an event away, unless it has happened. */
  cancel(slot: number, ticket: number): void {
    if (this.#tickets[slot] === ticket) this.payload[slot] = undefined
  }

  /** Takes the next event out and returns its slot, which callers must `release` once they have read it. */
  take(): number {
    const slot = this.#slots[0] ?? 0
    const last = --this.#size
    if (last > 0) this.#sink(this.#times[last] ?? 0, this.#orders[last] ?? 0, this.#slots[last] ?? 0)
    return slot
  }

  release(slot: number): void {
    this.payload[slot] = undefined
    this.#tickets[slot] = 0
    this.#free.push(slot)
  }

  #newSlot(): number {
    if (this.#slotCount === this.#slots.length) this.#grow()
    this.payload.push(undefined)
    return this.#slotCount++
  }

  #grow(): void {
    const length = this.#slots.length * 2
    const ints = (old: Int32Array, each = 1) => {
      const grown = new Int32Array(length * each)
      grown.set(old)
      return grown
    }
    const floats = (old: Float64Array) => {
      const grown = new Float64Array(length)
      grown.set(old)
      return grown
    }
    this.#whose = ints(this.#whose, WHOSE)
    this.#slots = ints(this.#slots)
    this.#times = floats(this.#times)
    this.#orders = floats(this.#orders)
    this.#tickets = floats(this.#tickets)
  }

  #insert(time: number, order: number, slot: number): void {
    const [times, orders, slots] = [this.#times, this.#orders, this.#slots]
    let index = this.#size++
    while (index > 0) {
      const parent = (index - 1) >> 2
      // A new event has the highest order: at one time it stays behind.
      if ((times[parent] ?? 0) <= time) break
      times[index] = times[parent] ?? 0
      orders[index] = orders[parent] ?? 0
      slots[index] = slots[parent] ?? 0
      index = parent
    }
    times[index] = time
    orders[index] = order
    slots[index] = slot
  }

  #sink(time: number, order: number, slot: number): void {
    const [times, orders, slots] = [this.#times, this.#orders, this.#slots]
    const size = this.#size
    let index = 0
    for (let first = 1; first < size; first = 4 * index + 1) {
      let least = first
      let leastTime = times[first] ?? 0
      const end = Math.min(first + 4, size)
      for (let child = first + 1; child < end; child++) {
        const childTime = times[child] ?? 0
        if (
          childTime < leastTime ||
          (childTime === leastTime && (orders[child] ?? 0) < (orders[least] ?? 0))
        ) {
          least = child
          leastTime = childTime
        }
      }
      if (leastTime > time || (leastTime === time && (orders[least] ?? 0) > order)) break
      times[index] = leastTime
      orders[index] = orders[least] ?? 0
      slots[index] = slots[least] ?? 0
      index = least
    }
    times[index] = time
    orders[index] = order
    slots[index] = slot
  }
}

/** In the place of a sender. */
export const TIMER = -1
