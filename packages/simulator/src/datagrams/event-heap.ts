/**
 * Millions of events in order of time and, at one time, of insertion. A heap of four children over typed arrays: no
 * object per event, so that an hour of a thousand sites passes in a minute.
 *
 *     heap:   times[i], orders[i], slots[i]                 moved about
 *     slots:  node[s], from[s], life[s], payload[s]         stay where they are; free ones form a list
 */

/** What a slot holds: a timer's action, or a message; undefined once it was cancelled. */
export type Payload = object | undefined

export class EventHeap {
  node = new Int32Array(1024)
  /** The sender of a message; `TIMER` for a timer. */
  from = new Int32Array(1024)
  /** The life of the node in which a timer was set. */
  life = new Int32Array(1024)
  readonly payload: Payload[] = []
  #times = new Float64Array(1024)
  #orders = new Float64Array(1024)
  #slots = new Int32Array(1024)
  #slotOrders = new Float64Array(1024)
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
    this.node[slot] = node
    this.from[slot] = from
    this.life[slot] = life
    this.payload[slot] = payload
    this.#order++
    this.#slotOrders[slot] = this.#order
    this.#insert(atMs, this.#order, slot)
    return slot
  }

  /** Names an event for `cancel`, as slots are used again. */
  ticketOf(slot: number): number {
    return this.#slotOrders[slot] ?? 0
  }

  /** Takes the payload of an event away, unless it has happened. */
  cancel(slot: number, ticket: number): void {
    if (this.#slotOrders[slot] === ticket) this.payload[slot] = undefined
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
    this.#slotOrders[slot] = 0
    this.#free.push(slot)
  }

  #newSlot(): number {
    if (this.#slotCount === this.node.length) this.#grow()
    this.payload.push(undefined)
    return this.#slotCount++
  }

  #grow(): void {
    const length = this.node.length * 2
    const ints = (old: Int32Array) => {
      const grown = new Int32Array(length)
      grown.set(old)
      return grown
    }
    const floats = (old: Float64Array) => {
      const grown = new Float64Array(length)
      grown.set(old)
      return grown
    }
    this.node = ints(this.node)
    this.from = ints(this.from)
    this.life = ints(this.life)
    this.#slots = ints(this.#slots)
    this.#times = floats(this.#times)
    this.#orders = floats(this.#orders)
    this.#slotOrders = floats(this.#slotOrders)
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
