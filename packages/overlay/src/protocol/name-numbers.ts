/**
 * Small numbers for names, so that a list takes the place of a map. One table serves all sites of a simulation: each datagram
 * is looked up in it, and a thousand maps of a thousand names would fit into no cache.
 */

export class NameNumbers {
  readonly #numbers = new Map<string, number>()

  /** The number of a name, from 0 in the order in which they come. Callers bound how many different ones they ask for. */
  numberOf(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.#numbers.size
      this.#numbers.set(name, number)
    }
    return number
  }

  /** The number of a name that has one already. */
  find(name: string): number | undefined {
    return this.#numbers.get(name)
  }
}

/** Puts `item` at `number`; what lies before it and was never put is undefined. */
export function putAt<T>(list: (T | undefined)[], number: number, item: T): void {
  // A list with holes would become a map of its own.
  while (list.length <= number) list.push(undefined)
  list[number] = item
}
