/** Events in order of time and, at one time, of insertion: a binary heap, so that equal runs have equal orders. */

interface Event {
  readonly atMs: number
  readonly order: number
  /** Undefined once it was cancelled: taking it out of the middle would cost more than passing it by. */
  action: (() => void) | undefined
}

export class EventQueue {
  readonly #heap: Event[] = []
  #order = 0

  /** The returned function takes the event out again; it may be called at any time. */
  add(atMs: number, action: () => void): () => void {
    const event: Event = { atMs, order: this.#order++, action }
    this.#heap.push(event)
    this.#rise(this.#heap.length - 1)
    return () => {
      event.action = undefined
    }
  }

  /** When the next event is due; undefined when there is none. */
  get nextAtMs(): number | undefined {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (first.action) return first.atMs
      this.#removeFirst()
    }
    return undefined
  }

  /** Takes the next event out. */
  take(): (() => void) | undefined {
    if (this.nextAtMs === undefined) return undefined
    return this.#removeFirst()?.action
  }

  #removeFirst(): Event | undefined {
    const [first] = this.#heap
    const last = this.#heap.pop()
    if (last && last !== first) {
      this.#heap[0] = last
      this.#sink(0)
    }
    return first
  }

  #rise(start: number): void {
    for (let index = start; index > 0; ) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #sink(start: number): void {
    for (let index = start; ; ) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) if (this.#isBefore(child, least)) least = child
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [one, other] = [this.#heap[left], this.#heap[right]]
    if (!one || !other) return false
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
  }

  #swap(left: number, right: number): void {
    const [one, other] = [this.#heap[left], this.#heap[right]]
    if (!one || !other) return
    this.#heap[left] = other
    this.#heap[right] = one
  }
}
